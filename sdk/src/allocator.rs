//! The heap of a plugin, which is small and short-lived: an instance serves one call.
//!
//! It begins behind the plugin's static data, in a page that is written anyway. Rust's own allocator for wasm begins
//! with a page of 64 KiB from the host and writes to both ends of it: 8 KiB resident and a system call for each
//! instance, though a script needs a few hundred bytes.
//!
//! A block has one of four sizes per doubling, and a freed one is kept for the next of its size; blocks are neither
//! split nor joined.

use std::alloc::Layout;

/// Every block's size is a multiple of it, and its alignment at least.
const STEP: usize = 16;
const STEP_BITS: u32 = STEP.ilog2();
/// Up to all that 32 bits can address.
const CLASSES: usize = 112;

struct Heap {
    /// First free block of each class, whose first word is the address of the next one; 0: none.
    free: [usize; CLASSES],
    /// Behind the last block.
    top: usize,
    /// Behind what may be used.
    end: usize,
}

impl Heap {
    const EMPTY: Heap = Heap { free: [0; CLASSES], top: 0, end: 0 };

    /// The address of a new block. `grow` makes memory usable up to an address at least, and tells up to which.
    fn allocate(&mut self, layout: Layout, grow: impl FnOnce(usize) -> Option<usize>) -> Option<usize> {
        let (class, size) = class(layout.size())?;
        let kept = self.free[class];
        if kept != 0 && kept.is_multiple_of(layout.align()) {
            self.free[class] = next_of(kept);
            return Some(kept);
        }
        let begin = self.top.checked_next_multiple_of(layout.align().max(STEP))?;
        self.rise(begin.checked_add(size)?, grow)?;
        Some(begin)
    }

    fn free(&mut self, block: usize, layout: Layout) {
        let Some((class, size)) = class(layout.size()) else { return };
        if block + size == self.top {
            self.top = block;
        } else {
            set_next_of(block, self.free[class]);
            self.free[class] = block;
        }
    }

    /// Whether a block can have another size and stay where it is.
    fn resize(
        &mut self,
        block: usize,
        layout: Layout,
        size: usize,
        grow: impl FnOnce(usize) -> Option<usize>,
    ) -> bool {
        let (Some((old, old_size)), Some((new, new_size))) = (class(layout.size()), class(size)) else {
            return false;
        };
        let is_last = block + old_size == self.top;
        old == new || is_last && block.checked_add(new_size).is_some_and(|top| self.rise(top, grow).is_some())
    }

    fn rise(&mut self, top: usize, grow: impl FnOnce(usize) -> Option<usize>) -> Option<()> {
        if top > self.end {
            self.end = grow(top)?;
        }
        self.top = top;
        Some(())
    }
}

/// Number and size of the class of so many bytes: 16, 32, 48, 64, then four steps to each power of two.
fn class(size: usize) -> Option<(usize, usize)> {
    let last = size.max(1) - 1;
    let shift = last.max(4 * STEP - 1).ilog2().max(STEP_BITS + 2) - 2;
    let steps = (last >> shift) + 1;
    let size = steps.checked_mul(1 << shift)?;
    let class = (shift - STEP_BITS) as usize * 4 + steps - 1;
    (class < CLASSES).then_some((class, size))
}

#[allow(unsafe_code)]
fn next_of(block: usize) -> usize {
    // SAFETY: the block is in a free list, so it is ours, 16 bytes long at least, and begins with this word.
    unsafe { std::ptr::with_exposed_provenance::<usize>(block).read() }
}

#[allow(unsafe_code)]
fn set_next_of(block: usize, next: usize) {
    // SAFETY: the block was just given back, is 16 bytes long at least and so aligned.
    unsafe { std::ptr::with_exposed_provenance_mut::<usize>(block).write(next) }
}

#[cfg(target_arch = "wasm32")]
#[allow(unsafe_code)]
mod wasm {
    use std::{
        alloc::{GlobalAlloc, Layout},
        arch::wasm32::{memory_grow, memory_size},
        cell::UnsafeCell,
        ptr,
    };

    use super::Heap;

    const PAGE: usize = 64 << 10;

    struct Allocator(UnsafeCell<Heap>);

    #[global_allocator]
    static ALLOCATOR: Allocator = Allocator(UnsafeCell::new(Heap::EMPTY));

    // SAFETY: a plugin has one thread.
    unsafe impl Sync for Allocator {}

    unsafe extern "C" {
        /// Where the linker ends the static data.
        static __heap_base: u8;
    }

    impl Allocator {
        /// The heap; at its first use it gets what is left of the memory that the plugin begins with.
        #[allow(clippy::mut_from_ref)]
        fn heap(&self) -> &mut Heap {
            // SAFETY: a plugin has one thread, and no function of the heap calls another one through here.
            let heap = unsafe { &mut *self.0.get() };
            if heap.end == 0 {
                heap.top = (&raw const __heap_base).expose_provenance();
                heap.end = memory_size(0) * PAGE;
            }
            heap
        }
    }

    /// None where the host gives no more.
    fn grow(to: usize) -> Option<usize> {
        let pages = to.div_ceil(PAGE) - memory_size(0);
        (memory_grow(0, pages) != usize::MAX).then(|| memory_size(0) * PAGE)
    }

    // SAFETY: blocks are as long and as aligned as asked for and never overlap; see `Heap` and its tests.
    unsafe impl GlobalAlloc for Allocator {
        unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
            self.heap().allocate(layout, grow).map_or(ptr::null_mut(), ptr::with_exposed_provenance_mut)
        }

        unsafe fn dealloc(&self, block: *mut u8, layout: Layout) {
            self.heap().free(block.expose_provenance(), layout);
        }

        unsafe fn realloc(&self, block: *mut u8, layout: Layout, size: usize) -> *mut u8 {
            if self.heap().resize(block.expose_provenance(), layout, size, grow) {
                return block;
            }
            // SAFETY: the caller keeps `GlobalAlloc`'s contract for `size` and the alignment; the new block
            // does not overlap the old one, and the smaller of both sizes is copied.
            unsafe {
                let new = self.alloc(Layout::from_size_align_unchecked(size, layout.align()));
                if !new.is_null() {
                    ptr::copy_nonoverlapping(block, new, layout.size().min(size));
                    self.dealloc(block, layout);
                }
                new
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A heap in memory of this test.
    fn heap(memory: &mut [u128]) -> Heap {
        let range = memory.as_mut_ptr_range();
        let top = range.start.expose_provenance();
        Heap { top, end: range.end.expose_provenance(), ..Heap::EMPTY }
    }

    fn layout(size: usize, align: usize) -> Layout {
        Layout::from_size_align(size, align).unwrap()
    }

    fn none(_: usize) -> Option<usize> {
        None
    }

    #[test]
    fn a_class_holds_its_size_and_wastes_a_quarter_at_most() {
        assert_eq!(class(0), Some((0, 16)));
        assert_eq!(class(16), Some((0, 16)));
        assert_eq!(class(17), Some((1, 32)));
        assert_eq!(class(64), Some((3, 64)));
        assert_eq!(class(65), Some((4, 80)));
        assert_eq!(class(129), Some((8, 160)));
        for size in (65..5000).chain((1..32).map(|bits| (1 << bits) - 1)).chain([1 << 31]) {
            let (number, holds) = class(size).unwrap();
            assert!(holds >= size && holds.is_multiple_of(STEP), "{size} in {holds}");
            assert!(holds <= size.max(64) / 4 * 5 + STEP, "{size} in {holds}");
            assert_eq!(class(holds), Some((number, holds)), "a class is what fits into it");
        }
        assert_eq!(class(usize::MAX), None);
    }

    #[test]
    fn a_freed_block_is_the_next_one_of_its_size() {
        let mut memory = vec![0; 64];
        let mut heap = heap(&mut memory);
        let [a, b, _] = [40, 40, 40].map(|size| heap.allocate(layout(size, 8), none).unwrap());
        heap.free(a, layout(40, 8));
        heap.free(b, layout(40, 8));
        assert_eq!(heap.allocate(layout(48, 1), none), Some(b));
        assert_eq!(heap.allocate(layout(33, 1), none), Some(a));
    }

    #[test]
    fn the_last_block_grows_where_it_stands() {
        let mut memory = vec![0; 64];
        let mut heap = heap(&mut memory);
        let first = heap.allocate(layout(100, 1), none).unwrap();
        assert!(heap.resize(first, layout(100, 1), 500, none));
        let second = heap.allocate(layout(16, 1), none).unwrap();
        assert!(second >= first + 500);
        assert!(!heap.resize(first, layout(500, 1), 600, none), "it is not the last one any more");
        assert!(heap.resize(first, layout(500, 1), 490, none), "it is of the same class");
        heap.free(second, layout(16, 1));
        assert_eq!(heap.allocate(layout(64, 1), none), Some(second), "the end is free again");
    }

    #[test]
    fn a_host_that_gives_no_more_is_told_to_who_asks() {
        let mut memory = vec![0; 4];
        let mut heap = heap(&mut memory);
        assert!(heap.allocate(layout(64, 1), none).is_some());
        assert_eq!(heap.allocate(layout(1, 1), none), None);
        assert_eq!(heap.allocate(layout(isize::MAX as usize, 1), none), None);
    }

    #[test]
    fn blocks_are_aligned_and_never_overlap() {
        let mut memory = vec![0_u128; 1 << 16];
        let mut heap = heap(&mut memory);
        let mut live: Vec<(usize, Layout)> = Vec::new();
        let mut random = 7_u64;
        for _ in 0..20_000 {
            random = random.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            let roll = (random >> 33) as usize;
            if live.len() > 100 || roll.is_multiple_of(3) && !live.is_empty() {
                let (block, layout) = live.swap_remove(roll % live.len());
                heap.free(block, layout);
                continue;
            }
            let wanted = layout(roll % (1 << (roll % 12)), 1 << (roll % 9));
            let Some(block) = heap.allocate(wanted, none) else { continue };
            assert!(block.is_multiple_of(wanted.align()));
            let apart = |&(other, layout): &(usize, Layout)| {
                block + wanted.size().max(1) <= other || other + layout.size().max(1) <= block
            };
            assert!(live.iter().all(apart), "{wanted:?} at {block}");
            live.push((block, wanted));
        }
    }
}
