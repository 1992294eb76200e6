# SPDX-License-Identifier: GPL-2.0-only OR MIT
# The portable core's objects, for Kbuild (from the top of the copied tree) and
# for the Makefile (below $(B)/native) alike.
core-objs := core/brlock.o core/slot.o core/slot_index.o core/dirty.o core/attr.o core/attr_set.o core/memtype.o core/fault.o \
	core/s2/geom.o core/s2/desc.o core/s2/s2.o core/s2/walk.o core/s2/tlb.o \
	core/s2/map.o core/s2/unmap.o core/s2/protect.o core/s2/block.o core/s2/tags.o \
	core/vm.o core/vm_slot.o core/vm_fault.o core/vm_query.o core/vm_dirty.o core/vm_tags.o \
	core/vm_gmem.o
# Encoded tags are user space's alone, so far: the kernel module does without.
tag-objs := core/tag/body.o core/tag/codec.o
