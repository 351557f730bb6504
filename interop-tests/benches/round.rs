//! The order of measurements in a round.
//!
//! The order is random, so that nothing always comes first. But servers that are compared with each other are
//! measured in succession, because the load of other users of the machine changes within a minute and rarely within
//! seconds.

use super::contender::Contender;

/// Every combination of a server and a setting, in the order in which they are measured.
pub(crate) fn order<Setting: Copy>(
    settings: impl IntoIterator<Item = Setting>,
    contenders: &[Contender],
) -> Vec<(&Contender, Setting)> {
    let mut settings: Vec<_> = settings.into_iter().collect();
    fastrand::shuffle(&mut settings);
    let of_setting = |setting| {
        let mut servers: Vec<_> = contenders.iter().map(|one| (one, setting)).collect();
        fastrand::shuffle(&mut servers);
        servers
    };
    settings.into_iter().flat_map(of_setting).collect()
}
