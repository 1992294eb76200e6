// SPDX-License-Identifier: GPL-2.0-only OR MIT
/*
 * proves: a slot is accepted just over memory for which no fault in it will be refused
 * sources: core/fault.c core/memtype.c
 * options: --unwind 8
 */
#include "policy.h"

/* Would a read of such memory, which no attribute denies, be refused? */
static bool read_refused(const struct fault_env *env, const struct slot *slot,
			 enum backing_kind kind, bool can_tag)
{
	struct backing b = { .kind = kind, .can_tag = can_tag, .writable = true };
	struct fault_verdict v = fault_resolve(env, slot, 0, PERM_R, &b);

	return v.action == FAULT_EXIT && v.need == PERM_R;
}

int main(void)
{
	struct host host = any_host();
	struct fault_env env = {
		.host = &host,
		.mte = nondet_bool(),
		.lazy = nondet_bool(),
		.cmo = nondet_bool(),
	};
	struct slot slot = any_slot();
	struct backing_survey survey = { nondet_u32(), nondet_u32() };
	int kind = any_between(BACKING_RAM, BACKING_PFN_DEVICE), err;
	bool can_tag = !(survey.untaggable & BIT(kind));

	assume((!env.mte || host.mte) && (!env.lazy || env.mte));
	err = fault_slot_check(&env, slot.flags, &survey);
	prove(err == 0 || err == -EINVAL);
	if (!err && (survey.kinds & BIT(kind)))
		prove(!read_refused(&env, &slot, (enum backing_kind)kind, can_tag));
	if (survey.kinds == BIT(kind))
		prove((err != 0) == read_refused(&env, &slot, (enum backing_kind)kind, can_tag));
	proved();
	return 0;
}
