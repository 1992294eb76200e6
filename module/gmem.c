// SPDX-License-Identifier: GPL-2.0-only
#include <linux/types.h>

#include <linux/falloc.h>
#include <linux/file.h>
#include <linux/fs.h>
#include <linux/highmem.h>
#include <linux/magic.h>
#include <linux/maple_tree.h>
#include <linux/mm.h>
#include <linux/module.h>
#include <linux/mount.h>
#include <linux/pagemap.h>
#include <linux/pseudo_fs.h>
#include <linux/sched/signal.h>
#include <linux/slab.h>

#include "compat.h"
#include "gmem.h"
#include "tags.h"

struct seam_gmem {
	refcount_t ref;
	struct tsr_vm *vm; /* constant; the file holds it, and slots are its own */
	u64 flags;	   /* constant; GUEST_MEMFD_FLAG_* */
	u64 size;	   /* constant; bytes */
	/* NULL when the file is closed; [vm->mem.gmem_lock] */
	struct inode *inode;
	/* Pages of the file to bound_entry(); [gmem_lock to change, RCU to read] */
	struct maple_tree bound;
};

static struct vfsmount *gmem_mount;
static const struct file_operations gmem_fops;

/*
 * What stands for a run of pages is how far the guest's are from the file's: a number, so that
 * who finds it holds nothing. Modulo 2^63: page numbers are smaller.
 */
static void *bound_entry(u64 page, struct gfn_range gfns)
{
	return xa_mk_value((gfns.begin - page) & LONG_MAX);
}

static struct gfn bound_gfn(const void *entry, u64 page)
{
	return gfn_of((page + xa_to_value(entry)) & LONG_MAX);
}

/* Pages of the file from *@at on, before @end, that are bound in one piece; *@at is behind them. */
static bool bound_next(struct seam_gmem *gmem, u64 *at, u64 end, struct gfn_range *gfns)
{
	MA_STATE(mas, &gmem->bound, *at, *at);
	u64 first, last;
	void *entry;

	if (*at >= end)
		return false;
	rcu_read_lock();
	entry = mas_find(&mas, end - 1);
	first = max_t(u64, mas.index, *at);
	last = min_t(u64, mas.last, end - 1);
	rcu_read_unlock();
	if (!entry)
		return false;
	*at = last + 1;
	gfns->begin = bound_gfn(entry, first).nr;
	gfns->end = gfns->begin + (last - first) + 1;
	return true;
}

static void gmem_put(struct seam_gmem *gmem)
{
	if (!refcount_dec_and_test(&gmem->ref))
		return;
	mtree_destroy(&gmem->bound);
	kfree(gmem);
}

static bool gmem_can_be_seen(const struct seam_gmem *gmem)
{
	return (gmem->flags & TSR_GMEM_FLAGS) == TSR_GMEM_FLAGS;
}

/* --- Pages. --- */

/* The folio of @page, locked, with a reference. New ones are not up to date. */
static struct folio *folio_find(struct inode *inode, u64 page)
{
	return __filemap_get_folio(inode->i_mapping, page, FGP_LOCK | FGP_CREAT,
				   mapping_gfp_mask(inode->i_mapping));
}

/* At its first use it is zero. Its lock is held. */
static void folio_begin(struct folio *folio)
{
	unsigned long i;

	if (folio_test_uptodate(folio))
		return;
	for (i = 0; i < folio_nr_pages(folio); i++)
		clear_highpage(folio_page(folio, i));
	folio_mark_uptodate(folio);
}

/*
 * The file gives it up: the next owner finds nothing, not in memory that the kernel has free
 * either. What a device still has pinned was the host's to see.
 */
static void gmem_free_folio(struct folio *folio)
{
	unsigned long i;

	if (!folio_test_uptodate(folio) || folio_maybe_dma_pinned(folio))
		return;
	for (i = 0; i < folio_nr_pages(folio); i++) {
		clear_highpage(folio_page(folio, i));
		tsr_page_tags_clear(folio_page(folio, i));
	}
}

static void gmem_truncate(struct inode *inode, u64 page, u64 count)
{
	struct address_space *mapping = inode->i_mapping;
	loff_t first = (loff_t)page << PAGE_SHIFT;

	if (!count || mapping_empty(mapping))
		return;
	unmap_mapping_pages(mapping, page, count, false);
	truncate_inode_pages_range(mapping, first, first + ((loff_t)count << PAGE_SHIFT) - 1);
}

/*
 * The memory is broken: no guest keeps it mapped, who touches it is told. Its folio's lock is
 * held, inside of which gmem_lock is not taken; what a slot is bound to by then matters little.
 */
static int gmem_error_folio(struct address_space *mapping, struct folio *folio)
{
	struct seam_gmem *gmem = mapping->host->i_private;
	u64 at = folio->index, end = at + folio_nr_pages(folio);
	struct gfn_range gfns;

	while (bound_next(gmem, &at, end, &gfns)) {
		vm_gmem_invalidate_begin(&gmem->vm->mem, gfns);
		vm_gmem_invalidate_end(&gmem->vm->mem);
	}
	return MF_DELAYED;
}

/* None to migrate by: mappings that are inaccessible are left alone. */
static const struct address_space_operations gmem_aops = {
	.dirty_folio = noop_dirty_folio,
	.error_remove_folio = gmem_error_folio,
	.free_folio = gmem_free_folio,
};

/* --- For core: the pages of a slot. --- */

int seam_gmem_bind(struct seam_gmem *gmem, u64 page, struct gfn_range gfns)
{
	u64 last = page + gfn_range_count(gfns) - 1;
	int err = mtree_insert_range(&gmem->bound, page, last, bound_entry(page, gfns),
				     GFP_KERNEL_ACCOUNT);

	if (!err)
		refcount_inc(&gmem->ref);
	return err;
}

void seam_gmem_unbind(struct seam_gmem *gmem, u64 page, struct gfn_range gfns)
{
	mtree_erase(&gmem->bound, page);
	gmem_put(gmem);
}

void seam_gmem_drop(struct seam_gmem *gmem, u64 page, u64 count)
{
	if (gmem->inode)
		gmem_truncate(gmem->inode, page, count);
}

static void backing_fill(const struct seam_gmem *gmem, struct folio *folio, u64 index,
			 struct backing *out)
{
	struct page *page = folio_file_page(folio, index);
	const struct vm *vm = &gmem->vm->mem;

	out->hpa = hpa_of(page_to_phys(page));
	if (!(out->hpa.addr >> tsr_host.pa_bits))
		out->kind = BACKING_RAM;
	out->order = folio_order(folio);
	out->writable = true;
	out->can_tag = true;
	out->ref = page;
	if (!READ_ONCE(vm->mte) || !READ_ONCE(vm->lazy_tags))
		return;
	/* Nobody maps it with PROT_MTE, and nothing moves it. */
	out->own = true;
	tsr_page_tag_facts(page, out->order, out);
}

int seam_gmem_get(struct seam_gmem *gmem, u64 page, u8 order, struct backing *out)
{
	struct folio *folio;

	*out = (struct backing){ .kind = BACKING_NONE };
	if (!gmem->inode)
		return 0;
	folio = folio_find(gmem->inode, page);
	if (IS_ERR(folio))
		return PTR_ERR(folio);
	if (folio_test_hwpoison(folio)) {
		out->kind = BACKING_POISON;
		folio_unlock(folio);
		folio_put(folio);
		return 0;
	}
	folio_begin(folio);
	backing_fill(gmem, folio, page, out);
	folio_unlock(folio);
	return 0;
}

/* --- The file. --- */

/* May the host see the page now? gmem_lock, either way. */
static bool page_can_be_seen(struct seam_gmem *gmem, u64 page)
{
	void *entry = mtree_load(&gmem->bound, page);

	return gmem_can_be_seen(gmem) &&
	       !(entry && vm_gfn_private(&gmem->vm->mem, bound_gfn(entry, page)));
}

/* The folio stays locked until it is mapped: who makes the page private waits for that. */
static vm_fault_t fault_locked(struct seam_gmem *gmem, struct vm_fault *vmf)
{
	struct folio *folio;

	if (vmf->pgoff >= gmem->size >> PAGE_SHIFT || !page_can_be_seen(gmem, vmf->pgoff))
		return VM_FAULT_SIGBUS;
	folio = folio_find(gmem->inode, vmf->pgoff);
	if (IS_ERR(folio))
		return vmf_error(PTR_ERR(folio));
	folio_begin(folio);
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

	while (bound_next(gmem, &from, end, &gfns)) {
		u64 count = gfn_range_count(gfns);

		vm_gmem_invalidate_begin(vm, gfns);
		gmem_truncate(gmem->inode, from - count, count);
		vm_gmem_invalidate_end(vm);
	}
	gmem_truncate(gmem->inode, at, end - at);
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

static long gmem_allocate(struct seam_gmem *gmem, u64 at, u64 end)
{
	if (end > gmem->size >> PAGE_SHIFT)
		return -EINVAL;
	while (at < end) {
		struct folio *folio;

		if (signal_pending(current))
			return -EINTR;
		down_read(&gmem->vm->mem.gmem_lock);
		folio = folio_find(gmem->inode, at);
		up_read(&gmem->vm->mem.gmem_lock);
		if (IS_ERR(folio))
			return PTR_ERR(folio);
		at = folio_next_index(folio);
		folio_unlock(folio);
		folio_put(folio);
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
	gmem_put(gmem);
	tsr_vm_put(vm);
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

static struct inode *gmem_inode(struct seam_gmem *gmem)
{
	struct inode *inode = alloc_anon_inode(gmem_mount->mnt_sb);

	if (IS_ERR(inode))
		return inode;
	inode->i_op = &gmem_iops;
	inode->i_mode |= S_IFREG;
	inode->i_private = gmem;
	i_size_write(inode, gmem->size);
	inode->i_mapping->a_ops = &gmem_aops;
	mapping_set_gfp_mask(inode->i_mapping, GFP_HIGHUSER);
	mapping_set_inaccessible(inode->i_mapping);
	return inode;
}

/* The file takes over the reference to @gmem, and gets one to its VM and to the module. */
static struct file *gmem_file(struct seam_gmem *gmem)
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

static struct seam_gmem *gmem_make(struct tsr_vm *vm, u64 size, u64 flags)
{
	struct seam_gmem *gmem = kzalloc(sizeof(*gmem), GFP_KERNEL_ACCOUNT);

	if (!gmem)
		return NULL;
	refcount_set(&gmem->ref, 1);
	gmem->vm = vm;
	gmem->flags = flags;
	gmem->size = size;
	mt_init_flags(&gmem->bound, MT_FLAGS_USE_RCU);
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
			gmem_put(gmem);
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

/* --- The file system. --- */

static int gmem_fs_context(struct fs_context *fc)
{
	return init_pseudo(fc, GUEST_MEMFD_MAGIC) ? 0 : -ENOMEM;
}

/* Without an owner: the mount is the module's own. */
static struct file_system_type gmem_fs = {
	.name = "tessera-gmem",
	.init_fs_context = gmem_fs_context,
	.kill_sb = kill_anon_super,
};

int tsr_gmem_init(void)
{
	gmem_mount = kern_mount(&gmem_fs);
	if (IS_ERR(gmem_mount))
		return PTR_ERR(gmem_mount);
	gmem_mount->mnt_flags |= MNT_NOEXEC;
	return 0;
}

void tsr_gmem_exit(void)
{
	kern_unmount(gmem_mount);
}
