// SPDX-License-Identifier: GPL-2.0-only OR MIT
/*
 * The concurrent step of the model of core/s2, in threads that run as they like: with
 * AddressSanitizer, and with ThreadSanitizer, which sees the order that core itself makes.
 */
#include <stdio.h>

#include "s2_ops.h"

#define STEPS 150U

static void *thread(void *arg)
{
	const struct emu_actor *actor = arg;

	actor->run(actor->arg);
	return NULL;
}

static void at_once(const struct model_op *op, struct emu_actor *actors, unsigned int count)
{
	pthread_t threads[EMU_ACTORS_MAX];

	for (unsigned int i = 0; i < count; i++)
		model_check(!pthread_create(&threads[i], NULL, thread, &actors[i]));
	for (unsigned int i = 0; i < count; i++)
		model_check(!pthread_join(threads[i], NULL));
}

int main(void)
{
	u32 x = 1;

	printf("1..%u\n", MODEL_HOSTS);
	for (unsigned int host = 0; host < MODEL_HOSTS; host++) {
		struct model_world world = { (u8)host, (u8)(host * 7) };

		s2_begin(&world);
		for (unsigned int i = 0; i < STEPS; i++) {
			struct model_op op = { .size = (u8)(x >> 8), .perm = (u8)(x >> 16) };

			op.where = (x = x * 1664525 + 1013904223) >> 8;
			op.memory = x = x * 1664525 + 1013904223;
			do_together(&op, at_once);
		}
		s2_end();
		printf("ok %u - %s: %u steps\n", host + 1, model_host((u8)host)->name, STEPS);
	}
	return 0;
}
