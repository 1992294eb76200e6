/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * Random sequences of operations against a model of what they mean.
 *
 * A model is a room of core over the emulated machine, beside a flat map that says of each
 * page what must be so. A sequence is a list of operations that are plain numbers: any bytes
 * are an operation, and it means the same whatever went before. So a list can come from a
 * seed (main.c) or from a fuzzer (tests/fuzz), and one that fails can be made shorter by
 * leaving operations out.
 *
 * A model that finds a mistake says so by model_fail(), which does not return.
 */
#ifndef MODEL_MODEL_H
#define MODEL_MODEL_H

#include "host.h"

struct model_op {
	u8 kind;    /* what is done */
	u8 size;    /* to how much */
	u8 perm;    /* with which permissions or attributes */
	u8 how;	    /* the small choices: locks, tables at hand, a failing allocation */
	u32 where;  /* the page */
	u32 memory; /* what is behind it */
};

/* In which world a sequence runs: any bytes are one. */
struct model_world {
	u8 host;
	u8 shape; /* IPA size */
};

/* What main.c and the fuzzers run; each program is linked with one. */
struct model {
	const char *name;
	void (*begin)(const struct model_world *world);
	void (*step)(const struct model_op *op);
	/* Everything is compared, then torn down: nothing may be left. */
	void (*end)(void);
	/* The operation in words, for a reader: no more than @size bytes with the 0. */
	void (*describe)(const struct model_op *op, char *text, size_t size);
};

extern const struct model model;

/* How a model's failure ends the program: in tests/fuzz, and after a message here, abort(). */
void model_fail(const char *format, ...) __attribute__((format(printf, 1, 2), noreturn));

#define model_check(cond)                                                           \
	do {                                                                        \
		if (!(cond))                                                        \
			model_fail("%s:%d: not so: %s", __FILE__, __LINE__, #cond); \
	} while (0)

/* The hosts that sequences run on: every way in which core/s2 differs. */
#define MODEL_HOSTS 8U
struct model_host {
	const char *name;
	struct host host;
};
const struct model_host *model_host(u8 number);
/* An IPA size that @host serves. */
u8 model_ipa_bits(const struct host *host, u8 shape);

#endif
