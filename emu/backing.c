// SPDX-License-Identifier: GPL-2.0-only OR MIT
#include "backing.h"
#include "cache.h"
#include "lock.h"
#include "phys.h"
#include "slot.h"
#include "tags.h"

/* Under lock: the mmap lock of the emulated VMM. */
static struct {
	pthread_mutex_t lock;
	unsigned int count;
	struct emu_vma vma[EMU_VMA_MAX];
	void (*hook)(void *arg);
	void *hook_arg;
	int err;
	unsigned long gets;
	long held;
	bool dirtied;
	struct hpa zero;
} mm = { .lock = PTHREAD_MUTEX_INITIALIZER };

void emu_mm_reset(void)
{
	pthread_mutex_init(&mm.lock, NULL);
	mm.count = 0;
	mm.hook = NULL;
	mm.err = 0;
	mm.gets = 0;
	mm.held = 0;
	mm.dirtied = false;
	mm.zero = emu_ram_alloc(0);
}

static bool kind_is_remapped(enum backing_kind kind)
{
	return kind >= BACKING_PFN_CACHED && kind <= BACKING_PFN_DEVICE;
}

/* What is not the kernel's the VMM has filled through its own mapping. */
static void vma_caches(const struct emu_vma *vma)
{
	if (!kind_is_remapped(vma->kind))
		return;
	emu_cache_unmapped(vma->hpa, vma->end - vma->begin);
	for (u64 at = 0; at < vma->end - vma->begin; at += TSR_PAGE_SIZE)
		emu_cache_host(hpa_of(vma->hpa.addr + at), true, vma->kind == BACKING_PFN_CACHED);
}

struct emu_vma *emu_mm_add(const struct emu_vma *vma)
{
	if (mm.count == EMU_VMA_MAX)
		return NULL;
	mm.vma[mm.count] = *vma;
	vma_caches(vma);
	return &mm.vma[mm.count++];
}

struct emu_vma *emu_mm_last(void)
{
	return mm.count ? &mm.vma[mm.count - 1] : NULL;
}

void emu_backing_hook(void (*hook)(void *arg), void *arg)
{
	mm.hook = hook;
	mm.hook_arg = arg;
}

void emu_backing_error(int err)
{
	mm.err = err;
}

unsigned long emu_backing_gets(void)
{
	return mm.gets;
}

long emu_backing_held(void)
{
	return mm.held;
}

void emu_backing_hold(void)
{
	emu_mutex_lock(&mm.lock);
	mm.held++;
	emu_mutex_unlock(&mm.lock);
}

bool emu_backing_last_dirtied(void)
{
	return mm.dirtied;
}

struct hpa emu_zero_page(void)
{
	return mm.zero;
}

void emu_mm_lock(void)
{
	emu_mutex_lock(&mm.lock);
}

void emu_mm_unlock(void)
{
	emu_mutex_unlock(&mm.lock);
}

static struct emu_vma *vma_find(u64 addr)
{
	for (unsigned int i = 0; i < mm.count; i++)
		if (addr >= mm.vma[i].begin && addr < mm.vma[i].end)
			return &mm.vma[i];
	return NULL;
}

static void cow_break(struct emu_vma *vma)
{
	vma->file = false;
	vma->own = true;
	vma->hpa = vma->copy;
}

static u32 live_around(struct hpa hpa, u8 order)
{
	u64 pages = 1ULL << order;

	return emu_tags_count(hpa_of(hpa.addr & ~(pages * TSR_PAGE_SIZE - 1)), pages);
}

static void backing_fill(struct emu_vma *vma, u64 addr, enum backing_use use, struct backing *out)
{
	memset(out, 0, sizeof(*out));
	if (!vma || (use == USE_WRITE && vma->read_only))
		return;
	if (use == USE_WRITE)
		vma->zero = false;
	if (vma->file && use != USE_READ && !vma->read_only)
		cow_break(vma);
	out->kind = vma->kind;
	out->can_tag = vma->can_tag;
	out->hpa = vma->zero ? mm.zero : hpa_of(vma->hpa.addr + (addr - vma->begin));
	out->order = vma->zero ? 0 : vma->order;
	out->writable = !vma->read_only && !vma->zero && !vma->file;
	out->own = vma->own;
	out->blank = vma->zero;
	out->tagged = vma->zero || emu_tags_live(out->hpa);
	out->tagged_count = live_around(out->hpa, out->order);
}

int seam_backing_get(struct vm *vm, const struct slot *slot, struct gfn gfn, enum backing_use use,
		     struct seam_memo *memo, struct backing *out)
{
	u64 addr = slot_gfn_hva(slot, gfn).addr;
	void (*hook)(void *arg);
	int err;

	emu_mutex_lock(&mm.lock);
	mm.gets++;
	err = mm.err;
	mm.err = 0;
	hook = mm.hook;
	mm.hook = NULL;
	if (!err) {
		backing_fill(vma_find(addr), addr, use, out);
		mm.held++;
	}
	emu_mutex_unlock(&mm.lock);
	if (!err && hook)
		hook(mm.hook_arg);
	return err;
}

void seam_backing_put(struct vm *vm, struct backing *b, bool dirtied)
{
	emu_mutex_lock(&mm.lock);
	mm.held--;
	mm.dirtied = dirtied;
	emu_mutex_unlock(&mm.lock);
}

int seam_backing_survey(struct vm *vm, struct hva hva, u64 size, struct backing_survey *out)
{
	u64 end = hva.addr + size, covered = 0;

	memset(out, 0, sizeof(*out));
	emu_mutex_lock(&mm.lock);
	for (unsigned int i = 0; i < mm.count; i++) {
		const struct emu_vma *vma = &mm.vma[i];
		u64 first = vma->begin > hva.addr ? vma->begin : hva.addr;
		u64 last = vma->end < end ? vma->end : end;

		if (first >= last)
			continue;
		covered += last - first;
		out->kinds |= BIT(vma->kind);
		out->remapped |= kind_is_remapped(vma->kind);
		if (!vma->can_tag)
			out->untaggable |= BIT(vma->kind);
	}
	emu_mutex_unlock(&mm.lock);
	if (covered < size)
		out->kinds |= BIT(BACKING_NONE);
	return 0;
}
