/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
#include <stdlib.h>
#include <string.h>

#include "tessera/gate.h"

/* A range that a promotion keeps from being written. */
struct tsr_hold {
	struct tsr_hold *next;
	struct tsr_range gpa;
};

/* Lowers @until to where @range begins or ends after @gpa; true if it holds @gpa. */
static bool range_asked(struct tsr_range range, uint64_t gpa, uint64_t *until)
{
	bool holds = tsr_range_holds(range, gpa);
	uint64_t border = holds ? range.end : range.start;

	if (border > gpa && border < *until)
		*until = border;
	return holds;
}

static uint64_t holds_deny(void *opaque, uint64_t gpa, uint64_t *until)
{
	struct tsr_gate *gate = opaque;
	uint64_t denied = 0;

	for (struct tsr_hold *hold = gate->holds; hold; hold = hold->next)
		if (range_asked(hold->gpa, gpa, until))
			denied = TSR_FAULT_WRITE;
	return denied;
}

void tsr_gate_init(struct tsr_gate *gate,
		   int (*change)(void *opaque, struct tsr_range gpa, uint64_t needs, bool deny),
		   void *opaque, _Atomic uint64_t *changes)
{
	memset(gate, 0, sizeof(*gate));
	gate->change = change;
	gate->opaque = opaque;
	gate->changes = changes;
	pthread_mutex_init(&gate->lock, NULL);
	gate->keepers[gate->keeper_count++] = (struct tsr_keeper){ holds_deny, gate };
}

void tsr_gate_destroy(struct tsr_gate *gate)
{
	pthread_mutex_destroy(&gate->lock);
}

int tsr_gate_add(struct tsr_gate *gate, struct tsr_keeper keeper)
{
	int error = 0;

	tsr_gate_lock(gate);
	if (gate->keeper_count < TSR_KEEPERS_MAX)
		gate->keepers[gate->keeper_count++] = keeper;
	else
		error = -ENOSPC;
	tsr_gate_unlock(gate);
	return error;
}

void tsr_gate_remove(struct tsr_gate *gate, const void *opaque)
{
	size_t kept = 0;

	tsr_gate_lock(gate);
	for (size_t i = 0; i < gate->keeper_count; i++)
		if (gate->keepers[i].opaque != opaque)
			gate->keepers[kept++] = gate->keepers[i];
	gate->keeper_count = kept;
	tsr_gate_unlock(gate);
}

void tsr_gate_lock(struct tsr_gate *gate)
{
	pthread_mutex_lock(&gate->lock);
}

void tsr_gate_unlock(struct tsr_gate *gate)
{
	pthread_mutex_unlock(&gate->lock);
}

static uint64_t denied_until(struct tsr_gate *gate, uint64_t gpa, uint64_t *until)
{
	uint64_t denied = 0;

	for (size_t i = 0; i < gate->keeper_count; i++)
		denied |= gate->keepers[i].denies(gate->keepers[i].opaque, gpa, until);
	return denied;
}

uint64_t tsr_gate_denied(struct tsr_gate *gate, uint64_t gpa)
{
	uint64_t until = gpa + TSR_PAGE_SIZE;

	return denied_until(gate, gpa, &until);
}

int tsr_gate_close(struct tsr_gate *gate, struct tsr_range gpa, uint64_t needs)
{
	return gate->change(gate->opaque, gpa, needs, true);
}

/* The longest piece from @start on in which the same of @needs may be allowed. */
static struct tsr_range piece_open(struct tsr_gate *gate, uint64_t start, uint64_t end,
				   uint64_t needs, uint64_t *allow)
{
	struct tsr_range piece = { start, start };
	uint64_t until = end;

	*allow = needs & ~denied_until(gate, start, &until);
	do {
		piece.end = until;
		until = end;
	} while (piece.end < end && (needs & ~denied_until(gate, piece.end, &until)) == *allow);
	return piece;
}

int tsr_gate_open(struct tsr_gate *gate, struct tsr_range gpa, uint64_t needs)
{
	uint64_t allow;
	int error = 0;

	while (gpa.start < gpa.end) {
		struct tsr_range piece = piece_open(gate, gpa.start, gpa.end, needs, &allow);
		int failed = allow ? gate->change(gate->opaque, piece, allow, false) : 0;

		if (!error)
			error = failed;
		gpa.start = piece.end;
	}
	(*gate->changes)++;
	return error;
}

static int hold_add(struct tsr_gate *gate, struct tsr_range gpa)
{
	struct tsr_hold *hold = malloc(sizeof(*hold));
	int error;

	if (!hold)
		return -ENOMEM;
	error = tsr_gate_close(gate, gpa, TSR_FAULT_WRITE);
	if (error) {
		free(hold);
		return error;
	}
	*hold = (struct tsr_hold){ gate->holds, gpa };
	gate->holds = hold;
	return 0;
}

static int hold_lift(struct tsr_gate *gate, struct tsr_range gpa)
{
	struct tsr_hold **link = &gate->holds, *hold;

	while (*link && ((*link)->gpa.start != gpa.start || (*link)->gpa.end != gpa.end))
		link = &(*link)->next;
	hold = *link;
	/* A promoter lifts also what it failed to set. */
	if (!hold)
		return 0;
	*link = hold->next;
	free(hold);
	return tsr_gate_open(gate, gpa, TSR_FAULT_WRITE);
}

int tsr_gate_no_write(void *opaque, struct tsr_range gpa, bool set)
{
	struct tsr_gate *gate = opaque;
	int error;

	tsr_gate_lock(gate);
	error = set ? hold_add(gate, gpa) : hold_lift(gate, gpa);
	tsr_gate_unlock(gate);
	return error;
}

enum tsr_verdict tsr_gate_handle(void *opaque, struct tsr_vcpu *vcpu, const struct tsr_fault *fault,
				 struct tsr_why *why)
{
	struct tsr_gate *gate = opaque;

	if (fault->poisoned || *gate->changes == fault->entered)
		return TSR_NOT_MINE;
	return TSR_RESOLVED;
}
