// SPDX-License-Identifier: GPL-2.0-only
/* The files of guest_memfds, and the file system that they are of. */
#include <linux/types.h>

#include <linux/falloc.h>
#include <linux/file.h>
#include <linux/fs.h>
#include <linux/magic.h>
#include <linux/mm.h>
#include <linux/module.h>
#include <linux/mount.h>
#include <linux/pagemap.h>
#include <linux/pseudo_fs.h>
#include <linux/sched/signal.h>
#include <linux/slab.h>

#include "compat.h"
#include "gmem_room.h"

/* There while there are files: it, and so each name of a file, holds the module. */
static struct vfsmount *gmem_mount;
static int gmem_mount_files;
static const struct file_operations gmem_fops;

/* The folio stays locked until it is mapped: who makes the page private waits for that. */
static vm_fault_t fault_locked(struct seam_gmem *gmem, struct vm_fault *vmf)
{
	struct folio *folio;

	if (vmf->pgoff >= gmem->size >> PAGE_SHIFT || !tsr_gmem_page_can_be_seen(gmem, vmf->pgoff))
		return VM_FAULT_SIGBUS;
	folio = tsr_gmem_folio(gmem->inode, vmf->pgoff, 0);
	if (IS_ERR(folio))
		return vmf_error(PTR_ERR(folio));
	if (folio_test_hwpoison(folio)) {
		tsr_gmem_folio_put(folio);
		return VM_FAULT_HWPOISON;
	}
	tsr_gmem_folio_begin(folio);
	vmf->page = folio_file_page(folio, vmf->pgoff);
	return VM_FAULT_LOCKED;
}

static vm_fault_t gmem_fault(struct vm_fault *vmf)
{
	struct seam_gmem *gmem = vmf->vma->vm_file->private_data;
	vm_fault_t ret;

	down_read(&gmem->vm->mem.gmem_lock);
	ret = fault_locked(gmem, vmf);
	up_read(&gmem->vm->mem.gmem_lock);
	return ret;
}

static const struct vm_operations_struct gmem_vm_ops = {
	.fault = gmem_fault,
};

static int gmem_mmap(struct file *file, struct vm_area_struct *vma)
{
	struct seam_gmem *gmem = file->private_data;

	if (!(gmem->flags & GUEST_MEMFD_FLAG_MMAP))
		return -ENODEV;
	if ((vma->vm_flags & (VM_SHARED | VM_MAYSHARE)) != (VM_SHARED | VM_MAYSHARE))
		return -EINVAL;
	vma->vm_ops = &gmem_vm_ops;
	return 0;
}

/* Pages [@at, @end) are gone; gmem_lock is held exclusive. */
static void gmem_empty(struct seam_gmem *gmem, u64 at, u64 end)
{
	struct vm *vm = &gmem->vm->mem;
	struct gfn_range gfns;
	u64 from = at;

	while (tsr_gmem_bound_next(gmem, &from, end, &gfns)) {
		u64 count = gfn_range_count(gfns);

		vm_gmem_invalidate_begin(vm, gfns);
		tsr_gmem_truncate(gmem->inode, from - count, count);
		vm_gmem_invalidate_end(vm);
	}
	tsr_gmem_truncate(gmem->inode, at, end - at);
}

static long gmem_punch(struct seam_gmem *gmem, u64 at, u64 end)
{
	end = min(end, gmem->size >> PAGE_SHIFT);
	if (at >= end)
		return 0;
	down_write(&gmem->vm->mem.gmem_lock);
	gmem_empty(gmem, at, end);
	up_write(&gmem->vm->mem.gmem_lock);
	return 0;
}

/* As large a piece as there is at @at, before @end. */
static unsigned int gmem_order(u64 at, u64 end)
{
	return IS_ALIGNED(at, PTRS_PER_PMD) && end - at >= PTRS_PER_PMD ? PMD_ORDER : 0;
}

static long gmem_allocate(struct seam_gmem *gmem, u64 at, u64 end)
{
	if (end > gmem->size >> PAGE_SHIFT)
		return -EINVAL;
	while (at < end) {
		struct folio *folio;

		if (signal_pending(current))
			return -EINTR;
		down_read(&gmem->vm->mem.gmem_lock);
		folio = tsr_gmem_folio(gmem->inode, at, gmem_order(at, end));
		up_read(&gmem->vm->mem.gmem_lock);
		if (IS_ERR(folio))
			return PTR_ERR(folio);
		at = folio_next_index(folio);
		tsr_gmem_folio_put(folio);
		cond_resched();
	}
	return 0;
}

/* The VFS has seen to the sum of both. */
static long gmem_fallocate(struct file *file, int mode, loff_t offset, loff_t len)
{
	struct seam_gmem *gmem = file->private_data;
	u64 at = offset >> PAGE_SHIFT, end = (offset + len) >> PAGE_SHIFT;
	long err;

	if ((mode & ~FALLOC_FL_PUNCH_HOLE) != FALLOC_FL_KEEP_SIZE)
		return -EOPNOTSUPP;
	if (!PAGE_ALIGNED(offset) || !PAGE_ALIGNED(len))
		return -EINVAL;
	err = mode & FALLOC_FL_PUNCH_HOLE ? gmem_punch(gmem, at, end)
					  : gmem_allocate(gmem, at, end);
	if (!err)
		file_modified(file);
	return err;
}

/*
 * The memory goes here and not with the inode, which may outlive the module. Slots stay, and
 * have none.
 */
static int gmem_release(struct inode *inode, struct file *file)
{
	struct seam_gmem *gmem = file->private_data;
	struct tsr_vm *vm = gmem->vm;

	down_write(&vm->mem.gmem_lock);
	gmem_empty(gmem, 0, gmem->size >> PAGE_SHIFT);
	gmem->inode = NULL;
	up_write(&vm->mem.gmem_lock);
	tsr_gmem_put(gmem);
	tsr_vm_put(vm);
	simple_release_fs(&gmem_mount, &gmem_mount_files);
	return 0;
}

static const struct file_operations gmem_fops = {
	.owner = THIS_MODULE,
	.mmap = gmem_mmap,
	.open = generic_file_open,
	.release = gmem_release,
	.fallocate = gmem_fallocate,
};

static int gmem_setattr(struct mnt_idmap *idmap, struct dentry *dentry, struct iattr *attr)
{
	return -EINVAL;
}

static int gmem_getattr(struct mnt_idmap *idmap, const struct path *path, struct kstat *stat,
			u32 mask, unsigned int flags)
{
	struct inode *inode = d_inode(path->dentry);

	generic_fillattr(idmap, mask, inode, stat);
	stat->blocks = (u64)READ_ONCE(inode->i_mapping->nrpages) << (PAGE_SHIFT - 9);
	return 0;
}

static const struct inode_operations gmem_iops = {
	.setattr = gmem_setattr,
	.getattr = gmem_getattr,
};

/* --- The file system. --- */

static int gmem_fs_context(struct fs_context *fc)
{
	if (!init_pseudo(fc, GUEST_MEMFD_MAGIC))
		return -ENOMEM;
	fc->s_iflags |= SB_I_NOEXEC;
	return 0;
}

static struct file_system_type gmem_fs = {
	.owner = THIS_MODULE,
	.name = "tessera-gmem",
	.init_fs_context = gmem_fs_context,
	.kill_sb = kill_anon_super,
};

/* --- Making a file. --- */

static struct inode *gmem_inode(struct seam_gmem *gmem)
{
	struct inode *inode = alloc_anon_inode(gmem_mount->mnt_sb);

	if (IS_ERR(inode))
		return inode;
	inode->i_op = &gmem_iops;
	inode->i_mode |= S_IFREG;
	inode->i_private = gmem;
	i_size_write(inode, gmem->size);
	inode->i_mapping->a_ops = &tsr_gmem_aops;
	mapping_set_gfp_mask(inode->i_mapping, GFP_HIGHUSER);
	mapping_set_inaccessible(inode->i_mapping);
	/* What the host may have mapped, or pinned, goes page by page: it could not be split. */
	if (!tsr_gmem_can_be_seen(gmem))
		mapping_set_large_folios(inode->i_mapping);
	return inode;
}

/* On the file system, which is mounted. */
static struct file *gmem_file_mounted(struct seam_gmem *gmem)
{
	static const char name[] = "[kvm-gmem]";
	struct inode *inode = gmem_inode(gmem);
	struct file *file;

	if (IS_ERR(inode))
		return ERR_CAST(inode);
	file = alloc_file_pseudo(inode, gmem_mount, name, O_RDWR | O_LARGEFILE, &gmem_fops);
	if (IS_ERR(file)) {
		iput(inode);
		return file;
	}
	/* The ioctl's own file holds the module. */
	__module_get(THIS_MODULE);
	tsr_vm_get(gmem->vm);
	gmem->inode = inode;
	file->private_data = gmem;
	return file;
}

/* The file takes over the reference to @gmem, and gets one to its VM and to the module. */
static struct file *gmem_file(struct seam_gmem *gmem)
{
	int err = simple_pin_fs(&gmem_fs, &gmem_mount, &gmem_mount_files);
	struct file *file;

	if (err)
		return ERR_PTR(err);
	file = gmem_file_mounted(gmem);
	if (IS_ERR(file))
		simple_release_fs(&gmem_mount, &gmem_mount_files);
	return file;
}

static struct seam_gmem *gmem_make(struct tsr_vm *vm, u64 size, u64 flags)
{
	struct seam_gmem *gmem = kzalloc(sizeof(*gmem), GFP_KERNEL_ACCOUNT);

	if (!gmem)
		return NULL;
	refcount_set(&gmem->ref, 1);
	gmem->vm = vm;
	gmem->flags = flags;
	gmem->size = size;
	gmem->bound = RB_ROOT_CACHED;
	spin_lock_init(&gmem->bound_lock);
	return gmem;
}

static long gmem_open(struct tsr_vm *vm, u64 size, u64 flags)
{
	struct seam_gmem *gmem;
	struct file *file;
	int fd = get_unused_fd_flags(0);

	if (fd < 0)
		return fd;
	gmem = gmem_make(vm, size, flags);
	file = gmem ? gmem_file(gmem) : ERR_PTR(-ENOMEM);
	if (IS_ERR(file)) {
		if (gmem)
			tsr_gmem_put(gmem);
		put_unused_fd(fd);
		return PTR_ERR(file);
	}
	fd_install(fd, file);
	return fd;
}

long tsr_gmem_create(void *vm, void *arg, unsigned long raw)
{
	const struct kvm_create_guest_memfd *create = arg;

	if (create->flags & ~(u64)TSR_GMEM_FLAGS)
		return -EINVAL;
	if (!create->size || create->size > S64_MAX || !PAGE_ALIGNED(create->size))
		return -EINVAL;
	return gmem_open(vm, create->size, create->flags);
}

struct file *tsr_gmem_slot_file(struct tsr_vm *vm, unsigned int fd, u64 offset, u64 size,
				struct slot_file *out)
{
	struct file *file = fget(fd);
	struct seam_gmem *gmem;

	*out = (struct slot_file){ .error = file ? -EINVAL : -EBADF, .offset = offset };
	if (!file || file->f_op != &gmem_fops)
		return file;
	gmem = file->private_data;
	if (gmem->vm != vm || offset > gmem->size || size > gmem->size - offset)
		return file;
	out->gmem = gmem;
	out->all = gmem->flags & GUEST_MEMFD_FLAG_MMAP;
	return file;
}
