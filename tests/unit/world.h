/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * What the unit tests of core share: hosts like the CPU models that tessera is tried
 * on, a VM over the emulated machine, and a guest's access with the hardware's walker in
 * the loop: walk, fault, vm_fault(), and again.
 */
#ifndef UNIT_WORLD_H
#define UNIT_WORLD_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "backing.h"
#include "cache.h"
#include "fault.h"
#include "log.h"
#include "mmu.h"
#include "phys.h"
#include "tlb.h"
#include "vm.h"

#define PAGE  TSR_PAGE_SIZE
#define BLOCK (PAGE << TSR_LEVEL_BITS)
#define GIB   (1ULL << 30)

#define HVA_BASE 0x7f0000000000ULL

/* Hosts like the CPU models of the emulated machine. */
extern const struct host host_max, host_n2, host_a710, host_a76;

struct world {
	struct host host;
	struct vm vm;
	struct seam_tlb tlb;
	struct s2_cache cache;
	struct emu_mmu mmu;
	u64 next_hva;
};

/* A VM of @ipa_bits on @host, without slots. */
void world_begin(struct world *w, const struct host *host, unsigned int ipa_bits);
/* Destroys it. NULL, or what a model had to complain of. */
const char *world_stop(struct world *w);
/* Destroys it and asserts that nothing is left and that no model had a complaint. */
void world_end(struct world *w);

/* A slot over new host RAM that can hold tags, mapped in pieces of 2^@order pages. */
struct emu_vma *world_ram(struct world *w, u32 id, u64 gpa, u64 size, unsigned int order);
/* A slot of @flags over a VMA like @vma, whose begin, end and hpa are filled in. */
struct emu_vma *world_slot(struct world *w, u32 id, u32 flags, u64 gpa, u64 size,
			   struct emu_vma vma);
/* The same without asking that it is accepted. */
int world_slot_try(struct world *w, u32 id, u32 flags, u64 gpa, u64 size, struct emu_vma *vma);

/* What the hardware says of an access now. */
struct emu_walk world_walk(const struct world *w, u64 gpa, enum emu_access access);

/*
 * A guest's access, caches included: goes on until the hardware lets it pass (VM_RESUME) or
 * vm_fault() says otherwise. Fails the test after 16 attempts.
 */
struct vm_fault_result world_access(struct world *w, u64 gpa, enum emu_access access);
/* One call of vm_fault(). */
struct vm_fault_result world_fault(struct world *w, u64 gpa, enum access_kind kind, perm_t need,
				   bool permission);

struct gfn_range world_gfns(u64 gpa, u64 size);
void world_attr(struct world *w, u64 gpa, u64 size, enum attr_op op, u64 bits);

/* Repeatable random numbers. */
u64 random_next(u64 *state);
u64 random_below(u64 *state, u64 n);

/* A list of TESTS in TAP; main()'s value. */
#define RUN(tests) cmocka_run_group_tests(tests, NULL, NULL)

#endif
