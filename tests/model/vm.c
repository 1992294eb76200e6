// SPDX-License-Identifier: GPL-2.0-only OR MIT
/*
 * The model of core/vm: slots, attributes, the host's memory and guests' accesses against
 * flat maps, and docs/abi.md's rules applied to them. What is mapped is never more than the
 * rules allow at that moment; what an access comes to is what they say.
 */
#include <stdio.h>

#include "tagged.h"
#include "log.h"
#include "phys.h"
#include "tlb.h"

static struct {
	struct host host;
	struct vm vm;
	struct seam_tlb tlb;
	struct s2_cache cache;
	struct s2_cache other; /* of a vCPU that faults in the middle */
	struct emu_mmu mmu;
	unsigned int steps;
} m;

enum op_kind {
	OP_ACCESS,
	OP_SLOT,
	OP_ATTR,
	OP_HOST,
	OP_NOTIFY,
	OP_AGE,
	OP_RELEASE,
	OP_RACE,
	OP_TAGS,
	OP_KINDS
};

static const char *const op_names[OP_KINDS] = {
	"access", "slot", "attributes", "host", "notify", "age", "release", "race", "tags",
};

/* How often each comes, in 64. */
static enum op_kind op_kind(const struct model_op *op)
{
	static const u8 share[OP_KINDS] = { 32, 7, 8, 4, 2, 2, 1, 6, 2 };
	unsigned int n = op->kind % 64, kind = 0;

	while (n >= share[kind])
		n -= share[kind++];
	return (enum op_kind)kind;
}

/* --- What is there. --- */

static void check_page(u32 index, const struct look *seen)
{
	struct page page = page_at(index);
	perm_t may = effective(&page);
	unsigned long long nr = look_gfn(index).nr;

	if (!page.slot || !page.vma)
		model_fail("page %llx: mapped, and nothing is there", nr);
	if (seen->perm & ~may)
		model_fail("page %llx: grants %x, may grant %x", nr, seen->perm, may);
	if (seen->hfn != page.hfn)
		model_fail("page %llx: mapped to %x, is at %x", nr, seen->hfn, page.hfn);
	if (seen->type != (page.vma->kind == BACKING_RAM      ? MEMTYPE_WB
			   : page.vma->kind == BACKING_PFN_NC ? MEMTYPE_NC
							      : MEMTYPE_DEVICE))
		model_fail("page %llx: has type %d", nr, seen->type);
	if (!(seen->perm & (PERM_R | PERM_W | PERM_X)))
		model_fail("page %llx: mapped, and grants nothing", nr);
	tags_check(index, &page, seen);
}

static void check_range(struct look_range range)
{
	for (u32 i = range.begin; i < range.end;) {
		struct look seen = look_at(i);
		u32 end = look_span(i, seen.level).end;

		for (; i < end && i < range.end; i++, seen.hfn++)
			if (seen.mapped)
				check_page(i, &seen);
	}
}

static void check_all(void)
{
	for (u32 i = 0; i < LOOK_HOT; i++)
		check_range(look_hot(i));
}

/* Calls @visit for each hot page that pages [begin, end) of the VMM stand behind. */
static void each_hva_page(struct look_range hva, void (*visit)(u32 index, void *arg), void *arg)
{
	for (unsigned int i = 0; i < SLOTS; i++) {
		const struct model_slot *slot = &rules.slot[i];

		for (u32 page = slot->pages.begin; slot->used && page < slot->pages.end; page++) {
			u32 at = slot->hva + (page - slot->pages.begin);

			if (at >= hva.begin && at < hva.end)
				visit(page, arg);
		}
	}
}

/* --- Operations. --- */

/* One in sixteen runs out of memory somewhere, if it allocates so much. */
static void fail_begin(const struct model_op *op)
{
	emu_fail_nth((op->how & 15) == 15 ? 1 + (op->how >> 4) : 0);
}

static void fail_end(int err)
{
	model_check((err == -ENOMEM) == emu_fail_happened());
	emu_fail_nth(0);
}

static const struct access_kind_case {
	enum emu_access access;
	enum access_kind kind;
	perm_t need;
} accesses[] = {
	{ EMU_READ, ACCESS_DATA, PERM_R },
	{ EMU_WRITE, ACCESS_DATA, PERM_W },
	{ EMU_FETCH_EL1, ACCESS_FETCH, PERM_X },
	{ EMU_FETCH_EL0, ACCESS_FETCH, PERM_X },
	{ EMU_TAG_READ, ACCESS_DATA, PERM_R | PERM_T },
	{ EMU_TAG_WRITE, ACCESS_DATA, PERM_W | PERM_T },
};

/* The fault that the hardware takes, as module/trap.c hands it on. False: it takes none. */
static bool faults(const struct model_op *op, const struct access_kind_case *c, u64 ipa,
		   struct access *access)
{
	struct emu_walk walk = emu_tlb_access(&m.mmu, ipa, c->access, op->memory);

	*access = (struct access){ gpa_of(ipa), c->kind, c->need & ~PERM_T, false };
	switch (walk.fault) {
	case EMU_FAULT_NONE:
		model_check(walk.pa >> 12 == page_at(look_index(op)).hfn);
		return false;
	case EMU_FAULT_TRANSLATION:
	case EMU_FAULT_ACCESS_FLAG:
		return true;
	case EMU_FAULT_TAG:
		access->need = c->access == EMU_TAG_READ ? PERM_T : PERM_W | PERM_T;
		access->permission = true;
		return true;
	case EMU_FAULT_PERMISSION:
		access->permission = true;
		return true;
	case EMU_FAULT_ADDRESS_SIZE:
	case EMU_FAULT_RESERVED:
	case EMU_FAULT_MEMORY:
		model_fail("the walk ends with fault %d", walk.fault);
	}
	return false;
}

/* A guest goes on until the hardware lets it pass or core says what else. */
static void do_access(const struct model_op *op)
{
	const struct access_kind_case *c = &accesses[op->perm % 6];
	u32 index = look_index(op);
	u64 ipa = look_gfn(index).nr << 12;
	struct page page = page_at(index);
	struct verdict want = judge(&page, c->need);
	struct vm_fault_result got = { .outcome = VM_RESUME };
	struct access access;

	if (c->need & PERM_T)
		tags_wanted(index);
	for (int tries = 0; got.outcome == VM_RESUME && faults(op, c, ipa, &access); tries++) {
		if (tries == 8)
			model_fail("page %llx: no progress", ipa >> 12);
		if (!tries)
			fail_begin(op);
		vm_fault(&m.vm, &m.cache, &access, &got);
		fail_end(got.outcome == VM_ERROR ? got.error : 0);
		if (got.outcome == VM_ERROR)
			got.outcome = VM_RESUME;
	}
	if (got.outcome != want.outcome)
		model_fail("page %llx, needs %x: outcome %d, should be %d", ipa >> 12, c->need,
			   got.outcome, want.outcome);
	if (got.outcome == VM_EXIT_FAULT && (got.flags != want.flags || got.gpa != ipa))
		model_fail("page %llx, needs %x: exit %llx, should be %llx", ipa >> 12, c->need,
			   got.flags, want.flags);
	if (got.outcome == VM_RESUME && (c->need & PERM_T))
		tags_accessed(index, c->access == EMU_TAG_WRITE, op->memory & 15);
	check_range(look_leaf(index));
}

/* What the VMM asks for: a slot of its own, or one like another with something changed. */
static struct slot_request op_slot(const struct model_op *op)
{
	u32 index = look_index(op), size = 1 + op->size % 8;
	u32 hva = op->memory % HVA_PAGES;
	struct slot_request req = { .id = op->how >> 4 & (SLOTS - 1) };
	const struct model_slot *old = &rules.slot[req.id];

	if (op->size >= 64)
		size = (1 + op->size % 2) * LOOK_BLOCK + (op->size & 4 ? 3 : 0);
	/* Mostly in step with the guest's pages, so that there can be blocks. */
	if (op->memory >> 24 & 3)
		hva = hva / LOOK_BLOCK * LOOK_BLOCK + index % LOOK_BLOCK;
	req.flags = (op->perm & 3 ? 0 : ABI_MEM_READONLY) |
		    (op->perm & 4 ? ABI_MEM_TAGS_OPTIONAL : 0) |
		    ((op->perm & 24) == 0 ? ABI_MEM_TAGS_ON_TOUCH : 0);
	if (old->used && (op->perm & 32)) {
		size = old->pages.end - old->pages.begin;
		hva = old->hva;
		req.flags = old->flags;
	}
	if ((op->perm & 0xc0) == 0)
		size = 0;
	req.gpa = look_gfn(index).nr << 12;
	req.size = (u64)size << 12;
	req.hva = HVA_BASE + ((u64)hva << 12);
	return req;
}

static void check_unmapped(u32 index, void *arg)
{
	struct look_range *except = arg;

	if (except && index >= except->begin && index < except->end)
		return;
	if (look_at(index).mapped)
		model_fail("page %llx: still mapped", look_gfn(index).nr);
}

static void do_slot(const struct model_op *op)
{
	struct slot_request req = op_slot(op);
	struct model_slot *slot = &rules.slot[req.id], old = *slot,
			  new = {
				  .used = req.size,
				  .flags = req.flags,
				  .pages = { look_index(op),
					     look_index(op) + (u32)(req.size >> 12) },
				  .hva = (u32)((req.hva - HVA_BASE) >> 12),
			  };
	int err;

	/* Beside a window is where this model does not look. */
	if (look_index(op) < LOOK_LOW && new.pages.end > LOOK_LOW)
		return;
	if (rules.apart && req.size && slot_is_alias(req.id, &new))
		return;
	fail_begin(op);
	err = vm_slot_set(&m.vm, &req);
	fail_end(err);
	if (err == -ENOMEM)
		return;
	if (!slot_may(&req, &new, err))
		model_fail("slot %u: %d", req.id, err);
	if (err)
		return;
	*slot = new;
	if (old.used && old.pages.begin == new.pages.begin &&new.used)
		return;
	for (u32 i = old.pages.begin; old.used && i < old.pages.end; i++)
		check_unmapped(i, new.used ? &new.pages : NULL);
}

static void do_attr(const struct model_op *op)
{
	static const u32 sizes[8] = { 1, 1, 2, 8, 512, 512, 1024, 700 };
	u32 begin = look_index(op), end = begin + sizes[op->size % 8];
	u32 limit = look_window(begin).end;
	u64 bits = op->perm & 0x17;
	enum attr_op kind = (enum attr_op)(op->perm >> 5 & 3);
	struct gfn_range range;
	int err;

	if (op->size % 8 >= 4 && op->size % 8 < 7)
		begin -= begin % LOOK_BLOCK, end = begin + sizes[op->size % 8];
	/* Everything, to the end of the IPA space, now and then. */
	if (op->size >= 250)
		begin = 0, end = LOOK_PAGES;
	else if (end > limit)
		end = limit;
	if (kind > ATTR_CLEAR)
		kind = ATTR_EXACT;
	range = (struct gfn_range){ look_gfn(begin).nr, look_gfn(end - 1).nr + 1 };
	fail_begin(op);
	err = vm_attr_set(&m.vm, range, kind, bits);
	fail_end(err);
	model_check(err == 0 || err == -ENOMEM || err == -EINVAL);
	model_check((err == -EINVAL) == ((bits & 16) && !(rules.mte && rules.mte_perm)));
	for (u32 i = begin; !err && i < end; i++)
		rules.attr[i] = (u8)(kind == ATTR_EXACT ? bits
				     : kind == ATTR_SET ? rules.attr[i] | bits
							: rules.attr[i] & ~bits);
	if (end - begin <= 2 * LOOK_BLOCK)
		check_range((struct look_range){ begin, end });
	else
		check_all();
}

/* A fault in the middle of a change of the host's maps nothing. */
static void fault_amid(const struct model_op *op, struct look_range hva)
{
	u32 index = look_index(op);
	const struct model_slot *slot = slot_at(index);
	struct access access = { gfn_gpa(look_gfn(index)), ACCESS_DATA, PERM_R, false };
	struct vm_fault_result result;
	u32 at;

	if (!slot)
		return;
	at = slot->hva + (index - slot->pages.begin);
	vm_fault(&m.vm, &m.other, &access, &result);
	if (at >= hva.begin && at < hva.end)
		check_unmapped(index, NULL);
}

/* The host moves a piece, or changes what it is. */
static void do_host(const struct model_op *op, u32 number)
{
	struct look_range hva = piece_pages(number);
	struct emu_vma *vma = rules.piece[number];
	struct hpa old = vma->hpa;
	u32 hfn = 0x400000 + (op->memory >> 8 & 15) * 0x10000 + hva.begin;

	vm_hva_invalidate_begin(&m.vm, hva_bytes(hva.begin), hva_bytes(hva.end));
	each_hva_page(hva, check_unmapped, NULL);
	fault_amid(op, hva);
	emu_tlb_page_gone(old, vma->end - vma->begin);
	vma->order = number < PIECES_LARGE && (op->size & 3) ? 9 : 0;
	if (!vma->order && (op->size & 4))
		hfn += 0x400000 + 1;
	vma->hpa = hpa_of((u64)hfn << 12);
	vma->kind = op->size < 200   ? BACKING_RAM
		    : op->size < 220 ? BACKING_PFN_NC
		    : op->size < 240 ? BACKING_PFN_DEVICE
				     : BACKING_NONE;
	vma->can_tag = vma->kind == BACKING_RAM && (op->perm & 3);
	vma->own = vma->kind == BACKING_RAM && (op->perm & 0x60);
	vma->read_only = (op->perm & 28) == 0;
	tags_moved(vma, old, op->perm & 0x80);
	vm_hva_invalidate_end(&m.vm, hva_bytes(hva.begin), hva_bytes(hva.end));
}

/* A range of the VMM's pages, of any length, over several pieces. */
static struct look_range op_hva(const struct model_op *op)
{
	u32 begin = op->memory % HVA_PAGES;
	u32 end = begin + 1 + (op->size & 1 ? op->size % 16 : op->size * 16);

	return (struct look_range){ begin, end };
}

/* The host looks, and nothing comes of it but that the pages are gone. */
static void do_notify(const struct model_op *op)
{
	struct look_range hva = op_hva(op);

	vm_hva_invalidate_begin(&m.vm, hva_bytes(hva.begin) + op->how, hva_bytes(hva.end) - 1);
	each_hva_page(hva, check_unmapped, NULL);
	fault_amid(op, hva);
	vm_hva_invalidate_end(&m.vm, hva_bytes(hva.begin) + op->how, hva_bytes(hva.end) - 1);
}

static void collect_young(u32 index, void *arg)
{
	*(bool *)arg |= look_at(index).young;
}

static void do_age(const struct model_op *op)
{
	struct look_range hva = op_hva(op);
	bool young = false, clear = op->how & 1;

	each_hva_page(hva, collect_young, &young);
	model_check(vm_hva_age(&m.vm, hva_bytes(hva.begin), hva_bytes(hva.end), clear) == young);
	if (!clear)
		return;
	young = false;
	each_hva_page(hva, collect_young, &young);
	model_check(!young);
}

static void do_release(void)
{
	vm_release(&m.vm);
	/* No table is left but the start tables and what the cache holds. */
	model_check(emu_tables_live() ==
		    m.vm.s2.geom.root_tables + m.cache.count + m.other.count + m.vm.cut.count);
	for (u32 i = 0; i < LOOK_HOT; i++)
		for (u32 page = look_hot(i).begin; page < look_hot(i).end;) {
			int level;

			model_check(!look_at(page).mapped);
			page = look_entry(page, &level).end;
		}
}

static u32 piece_number(const struct emu_vma *vma)
{
	u32 number = 0;

	while (rules.piece[number] != vma)
		number++;
	return number;
}

/* Another vCPU stores a tag in that page, or in one near it. */
static void tags_amid(u32 index, u32 how)
{
	u32 near = index ^ (how & 3);
	struct page page = page_at(near);
	u64 ipa = look_gfn(near).nr << 12;
	struct access access = { gpa_of(ipa), ACCESS_DATA, PERM_W, false };
	struct vm_fault_result result = { .outcome = VM_RESUME };

	tags_wanted(near);
	for (int tries = 0; tries < 8 && result.outcome == VM_RESUME; tries++) {
		enum emu_fault fault = emu_tlb_access(&m.mmu, ipa, EMU_TAG_WRITE, how).fault;

		if (fault == EMU_FAULT_NONE) {
			if (page.vma)
				tags_accessed(near, true, how >> 4 & 15);
			return;
		}
		access.permission = fault == EMU_FAULT_PERMISSION || fault == EMU_FAULT_TAG;
		access.need = fault == EMU_FAULT_TAG ? PERM_W | PERM_T : PERM_W;
		vm_fault(&m.vm, &m.other, &access, &result);
	}
}

/* What happens while the fault of @arg waits for its page. */
static void race(void *arg)
{
	const struct model_op *op = arg;
	struct model_op other = *op;

	u32 index = look_index(op);
	struct page page = page_at(index);

	other.how = op->how & 0xf0;
	if ((op->how & 0xc0) == 0xc0)
		tags_by_vmm(index, op->how & 15);
	else if ((op->how & 0xc0) == 0x80)
		tags_amid(index, op->memory);
	else if (op->how & 1)
		do_attr(&other);
	else if ((op->how & 2) && page.vma)
		do_host(&other, piece_number(page.vma));
	else
		do_slot(&other);
}

/* A fault that finds other rules when it comes back from the host maps by none but those. */
static void do_race(const struct model_op *op)
{
	const struct access_kind_case *c = &accesses[op->perm % 6];
	u32 index = look_index(op);
	struct model_op arg = *op;
	struct vm_fault_result result;
	struct access access;

	if (!faults(op, c, look_gfn(index).nr << 12, &access))
		return;
	if (c->need & PERM_T)
		tags_wanted(index);
	emu_backing_hook(race, &arg);
	vm_fault(&m.vm, &m.cache, &access, &result);
	emu_backing_hook(NULL, NULL);
	check_range(look_leaf(index));
	do_access(op);
}

/* --- The model. --- */

static void pieces_begin(void)
{
	emu_mm_reset();
	for (u32 i = 0; i < PIECES; i++) {
		struct look_range hva = piece_pages(i);
		struct emu_vma vma = {
			.begin = hva_bytes(hva.begin),
			.end = hva_bytes(hva.end),
			.kind = BACKING_RAM,
			.hpa = hpa_of((0x400000ULL + hva.begin) << 12),
			.order = i < PIECES_LARGE ? 9 : 0,
			.can_tag = true,
			.own = true,
		};

		rules.piece[i] = emu_mm_add(&vma);
	}
}

static void vm_begin(const struct model_world *world)
{
	emu_phys_reset();
	emu_log_reset();
	memset(&m, 0, sizeof(m));
	memset(&rules, 0, sizeof(rules));
	pieces_begin();
	m.host = model_host(world->host)->host;
	m.tlb.vmid = 7;
	rules.ipa_bits = model_ipa_bits(&m.host, world->shape);
	emu_fail_nth(1);
	model_check(vm_init(&m.vm, &m.host, rules.ipa_bits, &m.tlb) == -ENOMEM);
	emu_fail_nth(0);
	model_check(!vm_init(&m.vm, &m.host, rules.ipa_bits, &m.tlb));
	rules.mte_perm = m.host.mte_perm;
	rules.mte = m.host.mte && (world->shape & 0xc0);
	rules.lazy = rules.mte && (world->shape & 0x20);
	rules.apart = world->shape & 0x10;
	model_check(!rules.mte || !vm_enable_mte(&m.vm));
	model_check(!rules.lazy || !vm_enable_lazy_tags(&m.vm));
	tags_begin(&m.vm);
	vm_start(&m.vm);
	m.mmu = (struct emu_mmu){
		.vttbr = vm_vttbr_baddr(&m.vm),
		.vtcr = vm_vtcr(&m.vm),
		.fwb = m.host.fwb,
		.mte_perm = rules.mte_perm,
		.xnx = m.host.xnx,
		.pa_bits = m.host.pa_bits,
		.hafdbs = m.host.hafdbs,
	};
	emu_tlb_begin(&(struct emu_tlb_vm){
		.vttbr = m.mmu.vttbr,
		.vtcr = m.mmu.vtcr,
		.vmid = m.tlb.vmid,
		.bbm = m.host.bbm,
	});
	look_begin(&m.mmu, rules.ipa_bits);
}

static void vm_step(const struct model_op *op)
{
	switch (op_kind(op)) {
	case OP_ACCESS:
	case OP_KINDS:
		do_access(op);
		break;
	case OP_SLOT:
		do_slot(op);
		break;
	case OP_ATTR:
		do_attr(op);
		break;
	case OP_HOST:
		do_host(op, op->memory % PIECES);
		break;
	case OP_NOTIFY:
		do_notify(op);
		break;
	case OP_AGE:
		do_age(op);
		break;
	case OP_RELEASE:
		do_release();
		break;
	case OP_RACE:
		do_race(op);
		break;
	case OP_TAGS:
		tags_by_vmm(look_index(op), op->how & 15);
		break;
	}
	model_check(!emu_backing_held());
	if (emu_tlb_complaint())
		model_fail("%s", emu_tlb_complaint());
	if (++m.steps % 256 == 0)
		check_all();
}

static void vm_end(void)
{
	check_all();
	emu_tlb_audit();
	if (emu_tlb_complaint())
		model_fail("%s", emu_tlb_complaint());
	emu_tlb_end();
	model_check(!m.vm.inval_open);
	vm_destroy(&m.vm);
	s2_cache_drain(&m.cache);
	s2_cache_drain(&m.other);
	model_check(!emu_tables_live() && !emu_allocs_live());
}

static void vm_describe(const struct model_op *op, char *text, size_t size)
{
	snprintf(text, size, "%-10s { %u, %u, %u, %u, 0x%x, 0x%x }: page %llx",
		 op_names[op_kind(op)], op->kind, op->size, op->perm, op->how, op->where,
		 op->memory, look_gfn(look_index(op)).nr);
}

const struct model model = { "vm", vm_begin, vm_step, vm_end, vm_describe };
