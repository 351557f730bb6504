//! The order in which a round measures.
//!
//! Random, so that nothing always comes first, but servers that are compared come one after the other: what
//! other users of a machine take from it changes within a minute and rarely within seconds.

use super::contender::Contender;

/// Every server with every setting.
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
