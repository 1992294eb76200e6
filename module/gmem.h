/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * guest_memfd: files whose pages are a guest's memory (docs/abi.md, "Private memory"; api.rst
 * 4.144). A file belongs to the VM that made it, and holds it; its pages are bound to guest
 * pages by slots, each to one at most, and are zero at first.
 *
 * The host sees a page by mmap() alone, of a file that was made with both flags, and while the
 * page is not private. Nothing else reads or writes it: there is no read(), and what is not
 * mapped get_user_pages() does not find. Pages stay where they are: no swap, no migration.
 *
 * Struct seam_gmem is held by the file while that is open, and by each slot. The memory is the
 * inode's, which goes with the file: a slot whose file is closed has none.
 */
#ifndef MODULE_GMEM_H
#define MODULE_GMEM_H

#include <linux/kvm.h>

#include "tessera.h"

#define TSR_GMEM_FLAGS (GUEST_MEMFD_FLAG_MMAP | GUEST_MEMFD_FLAG_INIT_SHARED)

/* The file system that the files are of; -ENOMEM. */
int tsr_gmem_init(void);
void tsr_gmem_exit(void);

/*
 * KVM_CREATE_GUEST_MEMFD on a VM, returns the fd; @arg: struct kvm_create_guest_memfd. Errors:
 * -EINVAL (a flag, the size), -ENOMEM, those of new fds.
 */
long tsr_gmem_create(void *vm, void *arg, unsigned long raw);

/*
 * The file @fd of @vm, @size bytes from @offset on, to @out. What is wrong with it is noted there,
 * for core to tell in mainline's order: -EBADF; -EINVAL (no such file, another VM's, or too
 * short). Returns what is to be put by fput() when the slot is made, or NULL.
 */
struct file *tsr_gmem_slot_file(struct tsr_vm *vm, unsigned int fd, u64 offset, u64 size,
				struct slot_file *out);

/* What is wanted of a page: that the VMM may see it; that it is made if it is not there. */
#define TSR_GMEM_SEEN BIT(0)
#define TSR_GMEM_MAKE BIT(1)

/*
 * The page of a guest_memfd behind @gfn to @page, with a reference; NULL if it is not there.
 * Errors: -EFAULT (it is no such page, or the VMM may not see it; its file is closed),
 * -EHWPOISON, -ENOMEM. Sleeps.
 */
int tsr_gmem_page(struct tsr_vm *vm, struct gfn gfn, unsigned int want, struct page **page);
/* The aligned word at @gpa in a page of a guest_memfd that is there. -EFAULT, -EHWPOISON. */
int tsr_gmem_read(struct tsr_vm *vm, struct gpa gpa, u64 *word);

#endif
