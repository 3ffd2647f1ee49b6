//! Bounds the memory that large answers of stores take together in one process: the next one waits.
//!
//! An answer has a longest length, and calls are many: stores of a tenant that all answer with as much as they may would take
//! the memory of everybody. What is small, as nearly every secret is, waits for nobody.

use std::sync::{Arc, LazyLock};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

/// An answer of up to so many bytes is small.
const SMALL: usize = 64 * KIBI;
/// What the large answers of a process have together, in bytes: four lists of the longest length, or 32 other answers.
const OF_PROCESS: usize = 32 * 1024 * KIBI;
const KIBI: usize = 1024;

/// Room for so many bytes of large answers. Clones share it.
#[derive(Clone, Debug)]
pub struct Room {
    kibibytes: Arc<Semaphore>,
    all: u32,
}

/// What one answer has of it, until it is dropped. Nothing, for one that is small.
#[derive(Debug, Default)]
pub struct Place(Option<OwnedSemaphorePermit>);

impl Room {
    /// Room for so many bytes.
    pub fn of(bytes: usize) -> Self {
        let all = kibibytes(bytes);
        Self { kibibytes: Arc::new(Semaphore::new(usize::try_from(all).unwrap_or(usize::MAX))), all }
    }

    /// The room that all of the process shares.
    pub fn of_process() -> Self {
        static ROOM: LazyLock<Room> = LazyLock::new(|| Room::of(OF_PROCESS));
        ROOM.clone()
    }

    /// How many bytes are free.
    pub fn free(&self) -> usize {
        self.kibibytes.available_permits() * KIBI
    }

    /// Makes room for an answer of which `bytes` came so far and that has `whole` bytes at most, as soon as it turns out to
    /// be large; waits while there is none. All of it at once: answers that grow beside each other would wait for each other
    /// for ever. Whoever keeps one large answer and asks for the next may wait for itself; the call's deadline ends that.
    pub(super) async fn admit(&self, place: &mut Place, bytes: usize, whole: usize) {
        if bytes > SMALL && place.0.is_none() {
            let wanted = kibibytes(whole).min(self.all);
            // It is never closed.
            place.0 = Arc::clone(&self.kibibytes).acquire_many_owned(wanted).await.ok();
        }
    }
}

impl Place {
    /// Gives back what an answer of this length does not need.
    pub(super) fn keep(&mut self, bytes: usize) {
        if let Some(held) = &mut self.0 {
            let spare = held.num_permits().saturating_sub(bytes.div_ceil(KIBI));
            drop(held.split(spare));
        }
    }
}

fn kibibytes(bytes: usize) -> u32 {
    u32::try_from(bytes.div_ceil(KIBI)).unwrap_or(u32::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;
    use futures::FutureExt;

    #[tokio::test]
    async fn small_answers_wait_for_nobody_and_large_ones_for_each_other() {
        let room = Room::of(1024 * KIBI);
        let (mut first, mut second, mut small) = (Place::default(), Place::default(), Place::default());
        room.admit(&mut first, SMALL, 1024 * KIBI).await;
        assert_eq!(room.free(), 1024 * KIBI, "it may be small yet");
        room.admit(&mut first, SMALL + 1, 1024 * KIBI).await;
        room.admit(&mut first, SMALL + 2, 1024 * KIBI).await;
        assert_eq!(room.free(), 0, "it has room for all of it, once");
        assert!(room.admit(&mut small, SMALL, 1024 * KIBI).now_or_never().is_some());
        assert!(room.admit(&mut second, SMALL + 1, 100 * KIBI).now_or_never().is_none());
        first.keep(900 * KIBI + 1);
        assert_eq!(room.free(), 123 * KIBI);
        room.admit(&mut second, SMALL + 1, 100 * KIBI).await;
        drop((first, second));
        assert_eq!(room.free(), 1024 * KIBI);
    }

    #[tokio::test]
    async fn an_answer_that_may_be_larger_than_the_room_has_all_of_it() {
        let room = Room::of(100 * KIBI);
        let mut place = Place::default();
        room.admit(&mut place, SMALL + 1, usize::MAX).await;
        assert_eq!(room.free(), 0);
        place.keep(usize::MAX);
        place.keep(0);
        assert_eq!(room.free(), 100 * KIBI);
    }

    #[test]
    fn a_process_has_room_for_a_few_of_the_longest_answers() {
        let bounds = super::super::Bounds::default();
        assert_eq!((bounds.largest_answer, bounds.largest_list), (1 << 20, 8 << 20));
        assert_eq!(Room::of(OF_PROCESS).free(), 32 << 20);
        assert!(Arc::ptr_eq(&bounds.room.kibibytes, &Room::of_process().kibibytes), "one room for all links");
    }
}
