//! Words in memory that is taken from the system in large pages where it offers them.

use std::ops::{Deref, DerefMut};

use memmap2::MmapMut;

/// Bytes from which a large page may be of use.
const LARGE: usize = 2 << 20;

/// A list of words of fixed length, all zero at first.
///
/// A table that is looked up at random, and rows that are written to hundreds of places at once, meet another page with
/// nearly every word. Of pages of 2 MiB instead of 4 KiB the processor knows where all of them are, and the system hands them out
/// at once.
pub(super) struct Words(Memory);

enum Memory {
    Heap(Vec<u64>),
    Pages { map: MmapMut, words: usize },
}

impl Words {
    /// So many zeros.
    pub(super) fn zeroed(words: usize) -> Self {
        let bytes = words * size_of::<u64>();
        if bytes >= LARGE
            && let Ok(map) = MmapMut::map_anon(bytes)
        {
            // Only advice: without large pages the memory is the same.
            #[cfg(target_os = "linux")]
            let _ = map.advise(memmap2::Advice::HugePage);
            return Self(Memory::Pages { map, words });
        }
        Self(Memory::Heap(vec![0; words]))
    }
}

impl Deref for Words {
    type Target = [u64];

    #[inline]
    fn deref(&self) -> &[u64] {
        match &self.0 {
            Memory::Heap(words) => words,
            Memory::Pages { map, words } => &bytemuck::cast_slice(map)[..*words],
        }
    }
}

impl DerefMut for Words {
    #[inline]
    fn deref_mut(&mut self) -> &mut [u64] {
        match &mut self.0 {
            Memory::Heap(words) => words,
            Memory::Pages { map, words } => &mut bytemuck::cast_slice_mut(map)[..*words],
        }
    }
}
