//! Does many things at once, each of which waits most of the time.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;

/// The results of `work` for each of `items`, in order. `work` runs in at most `at_once` threads. The result of work
/// that panicked is missing.
pub(crate) fn map<T: Sync, R: Send>(
    items: &[T],
    at_once: usize,
    work: impl Fn(&T) -> R + Sync,
) -> Vec<Option<R>> {
    let next = AtomicUsize::new(0);
    let work = || {
        let indices = std::iter::from_fn(|| Some(next.fetch_add(1, Ordering::Relaxed)));
        let items = indices.map_while(|index| Some((index, items.get(index)?)));
        items.map(|(index, item)| (index, work(item))).collect::<Vec<_>>()
    };
    let mut results: Vec<_> = items.iter().map(|_| None).collect();
    thread::scope(|scope| {
        let threads: Vec<_> = (0..at_once.min(items.len())).map(|_| scope.spawn(work)).collect();
        for (index, result) in threads.into_iter().flat_map(|it| it.join().unwrap_or_default()) {
            if let Some(slot) = results.get_mut(index) {
                *slot = Some(result);
            }
        }
    });
    results
}

#[cfg(test)]
mod tests {
    use std::sync::Barrier;

    use super::*;

    #[test]
    fn results_are_in_the_order_of_the_items() {
        let items: Vec<_> = (0..100).collect();
        let results: Vec<_> = map(&items, 7, |item| item * 2).into_iter().flatten().collect();
        assert_eq!(results, (0..100).map(|item| item * 2).collect::<Vec<_>>());
        assert!(map::<u8, u8>(&[], 7, |item| *item).is_empty());
    }

    #[test]
    fn work_runs_at_once() {
        let (items, barrier) = ([0; 8], Barrier::new(4));
        assert_eq!(
            map(&items, 4, |_| barrier.wait().is_leader())
                .into_iter()
                .flatten()
                .filter(|it| *it)
                .count(),
            2
        );
    }
}
