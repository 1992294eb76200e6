// SPDX-License-Identifier: GPL-2.0-only OR MIT
/* The model of caches: what it complains of, and what it lets pass, by hand. */
#include "world.h"

enum step {
	END,
	GUEST_READ,
	GUEST_WRITE,
	GUEST_FETCH,
	GUEST_OFF, /* from here on past the caches */
	GUEST_ON,
	HOST_READ,
	HOST_WRITE,
	PAST_READ, /* by a host's mapping that is not cacheable */
	PAST_WRITE,
	CLEAN,
	ICACHE,
	UNMAPPED, /* the kernel does not map it */
	OPEN,
	SHARE,
	CLOSE,
};

#define FINE EMU_CACHE_RULES

struct run {
	const char *what;
	bool dic, idc;
	enum step step[10];
	enum emu_cache_rule rule; /* the one complaint, of the last step */
};

#define COHERENT true, true
#define A76	 false, false

static const struct run runs[] = {
	{ "fresh memory by lines", COHERENT, { HOST_READ, GUEST_WRITE, HOST_READ }, FINE },
	{ "zeroes in a line", COHERENT, { GUEST_OFF, GUEST_READ }, EMU_CACHE_PAST },
	{ "zeroes over a write", COHERENT, { GUEST_OFF, GUEST_WRITE }, EMU_CACHE_OVERWRITES },
	{ "zeroes cleaned", COHERENT, { CLEAN, GUEST_OFF, GUEST_READ, GUEST_WRITE }, FINE },
	{ "a fetch past a line", COHERENT, { GUEST_OFF, GUEST_FETCH }, EMU_CACHE_PAST },
	{ "an old line", COHERENT, { CLEAN, GUEST_OFF, GUEST_WRITE, HOST_READ }, EMU_CACHE_STALE },
	{ "an old line written",
	  COHERENT,
	  { CLEAN, GUEST_OFF, GUEST_WRITE, HOST_WRITE },
	  EMU_CACHE_STALE },
	{ "an old line dropped",
	  COHERENT,
	  { CLEAN, GUEST_OFF, GUEST_WRITE, CLEAN, HOST_READ },
	  FINE },
	{ "a guest that turns its caches on",
	  COHERENT,
	  { CLEAN, GUEST_OFF, GUEST_WRITE, GUEST_ON, GUEST_READ },
	  EMU_CACHE_STALE },
	{ "a guest that turns them off",
	  COHERENT,
	  { GUEST_WRITE, GUEST_OFF, GUEST_READ },
	  EMU_CACHE_PAST },
	{ "a host past the caches", COHERENT, { PAST_READ }, EMU_CACHE_PAST },
	{ "a host that writes past them", COHERENT, { PAST_WRITE }, EMU_CACHE_OVERWRITES },
	{ "code where caches see it", COHERENT, { HOST_WRITE, GUEST_FETCH }, FINE },
	{ "old instructions", A76, { CLEAN, GUEST_FETCH }, EMU_CACHE_FETCH },
	{ "old instructions again",
	  A76,
	  { CLEAN, ICACHE, HOST_WRITE, CLEAN, GUEST_FETCH },
	  EMU_CACHE_FETCH },
	{ "code not at the PoU", true, false, { GUEST_FETCH }, EMU_CACHE_POU },
	{ "told too early", A76, { ICACHE, CLEAN, GUEST_FETCH }, EMU_CACHE_FETCH },
	{ "told in order", A76, { CLEAN, ICACHE, GUEST_FETCH }, FINE },
	{ "its own code", A76, { CLEAN, ICACHE, GUEST_WRITE, GUEST_FETCH }, FINE },
	{ "no way to clean", COHERENT, { UNMAPPED, HOST_WRITE, CLEAN, PAST_READ }, EMU_CACHE_PAST },
	{ "through a window",
	  COHERENT,
	  { UNMAPPED, OPEN, HOST_WRITE, CLEAN, PAST_READ, CLOSE },
	  FINE },
	{ "a window shared",
	  COHERENT,
	  { UNMAPPED, OPEN, SHARE, CLOSE, HOST_WRITE, CLEAN, PAST_READ, CLOSE },
	  FINE },
	{ "a window too early closed",
	  COHERENT,
	  { UNMAPPED, OPEN, CLOSE, HOST_WRITE, CLEAN, PAST_READ },
	  EMU_CACHE_PAST },
	{ "no window to share", COHERENT, { UNMAPPED, SHARE }, EMU_CACHE_WINDOW },
	{ "no window to close", COHERENT, { UNMAPPED, CLOSE }, EMU_CACHE_WINDOW },
	{ "mapped memory needs none", COHERENT, { OPEN, CLOSE, CLOSE }, FINE },
};

static const struct emu_walk by_guest = { .type = EMU_WB };

static void guest(struct hpa page, enum emu_access access, bool forced)
{
	struct emu_walk walk = by_guest;

	walk.pa = page.addr + 8;
	walk.forced = forced;
	emu_cache_guest(&walk, access);
}

static void do_step(struct hpa page, enum step step, bool forced)
{
	switch (step) {
	case END:
		break;
	case GUEST_READ:
		return guest(page, EMU_READ, forced);
	case GUEST_WRITE:
		return guest(page, EMU_WRITE, forced);
	case GUEST_FETCH:
		return guest(page, EMU_FETCH_EL1, forced);
	case GUEST_OFF:
	case GUEST_ON:
		return emu_cache_guest_enable(step == GUEST_ON);
	case HOST_READ:
	case HOST_WRITE:
		return emu_cache_host(page, step == HOST_WRITE, true);
	case PAST_READ:
	case PAST_WRITE:
		return emu_cache_host(page, step == PAST_WRITE, false);
	case CLEAN:
		return seam_dcache_clean_inval_poc(page, PAGE);
	case ICACHE:
		return seam_icache_inval_pou(page, PAGE);
	case UNMAPPED:
		return emu_cache_unmapped(page, PAGE);
	case OPEN:
		assert_int_equal(seam_window_open(page, PAGE), 0);
		return;
	case SHARE:
		return seam_window_share(page, PAGE);
	case CLOSE:
		return seam_window_close(page, PAGE);
	}
}

static struct hpa begin(const struct run *run)
{
	emu_phys_reset();
	emu_log_reset();
	emu_cache_begin(&(struct emu_cache_host){ run->dic, run->idc });
	return emu_ram_alloc(0);
}

static void every_run(void **state)
{
	for (size_t i = 0; i < sizeof(runs) / sizeof(runs[0]); i++) {
		const struct run *run = &runs[i];
		struct hpa page = begin(run);

		for (const enum step *step = run->step; *step != END; step++) {
			if (emu_cache_complaint())
				fail_msg("%s: early: %s", run->what, emu_cache_complaint());
			do_step(page, *step, false);
		}
		if (!emu_cache_complaints() != (run->rule == FINE))
			fail_msg("%s: %s", run->what, emu_cache_complaint());
		if (run->rule != FINE && !emu_cache_complaints_of(run->rule))
			fail_msg("%s: not this: %s", run->what, emu_cache_complaint());
	}
}

/* Forced write-back: its caches off or on are nothing to the guest's data. */
static void forced(void **state)
{
	static const struct run run = { "forced", COHERENT, { END }, FINE };
	struct hpa page = begin(&run);

	emu_cache_guest_enable(false);
	do_step(page, GUEST_READ, true);
	do_step(page, GUEST_WRITE, true);
	do_step(page, GUEST_FETCH, true);
	do_step(page, HOST_READ, true);
	assert_null(emu_cache_complaint());
}

/* At the end the kernel looks at its memory, and windows are closed. */
static void ends(void **state)
{
	static const struct run run = { "end", COHERENT, { END }, FINE };
	struct hpa page = begin(&run);

	do_step(page, CLEAN, false);
	emu_cache_guest_enable(false);
	do_step(page, GUEST_WRITE, false);
	emu_cache_end();
	assert_int_equal(emu_cache_complaints_of(EMU_CACHE_STALE), 1);
	page = begin(&run);
	do_step(page, UNMAPPED, false);
	do_step(page, OPEN, false);
	assert_int_equal(emu_cache_windows(), 1);
	emu_cache_end();
	assert_int_equal(emu_cache_complaints_of(EMU_CACHE_WINDOW), 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_run),
		cmocka_unit_test(forced),
		cmocka_unit_test(ends),
	};

	return RUN(tests);
}
