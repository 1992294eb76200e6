// SPDX-License-Identifier: GPL-2.0-only OR MIT
/*
 * model_ROOM [-s SEED] [-n COUNT]: runs COUNT operations (MODEL_COUNT) in lists
 * of 2,000, each from a seed of its own and in a world that the seed chooses. TAP,
 * a line a host. With -s one list of that seed, of COUNT operations at most.
 *
 * Each list runs in a child, so that a crash or a sanitizer's complaint is a failure like any
 * other. A list that fails is made shorter as long as it fails, and printed with the way to
 * run it again.
 */
#define _GNU_SOURCE
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "model.h"

#ifndef MODEL_COUNT
#define MODEL_COUNT 100000UL
#endif
#define LIST_MAX    2000U
#define SHRINK_RUNS 3000U

/* Where the child is; shared with it. */
static volatile unsigned int *progress;

/* xorshift64*. */
static u64 random_next(u64 *state)
{
	*state ^= *state >> 12;
	*state ^= *state << 25;
	*state ^= *state >> 27;
	return *state * 2685821657736338717ULL;
}

static void list_make(u64 seed, struct model_op *ops, unsigned int count)
{
	u64 state = seed * 0x9e3779b97f4a7c15ULL + 1;

	for (unsigned int i = 0; i < count; i++) {
		u64 a = random_next(&state) >> 16, b = random_next(&state) >> 8;

		ops[i] = (struct model_op){
			.kind = (u8)a,
			.size = (u8)(a >> 8),
			.perm = (u8)(a >> 16),
			.how = (u8)(a >> 24),
			.where = (u32)b,
			.memory = (u32)(b >> 24),
		};
	}
}

static struct model_world list_world(u64 seed)
{
	u64 state = seed * 0x9e3779b97f4a7c15ULL + 2;

	return (struct model_world){ (u8)(seed % MODEL_HOSTS), (u8)(random_next(&state) >> 32) };
}

static void list_run(const struct model_world *world, const struct model_op *ops,
		     unsigned int count)
{
	model.begin(world);
	for (unsigned int i = 0; i < count; i++) {
		*progress = i + 1;
		model.step(&ops[i]);
	}
	model.end();
}

/* In a child. True: it went well. */
static bool list_passes(const struct model_world *world, const struct model_op *ops,
			unsigned int count, bool quiet)
{
	int status = -1;
	pid_t child;

	fflush(stdout);
	child = fork();
	if (child < 0)
		model_fail("fork failed");
	if (!child) {
		if (quiet) {
			int null = open("/dev/null", O_WRONLY);

			dup2(null, 1);
			dup2(null, 2);
		} else {
			dup2(1, 2);
		}
		list_run(world, ops, count);
		exit(0);
	}
	waitpid(child, &status, 0);
	return status == 0;
}

/* Leaves out pieces, ever shorter ones, as long as it fails. Returns what is left. */
static unsigned int list_shrink(const struct model_world *world, struct model_op *ops,
				unsigned int count)
{
	static struct model_op less[LIST_MAX];
	unsigned int runs = 0;

	for (unsigned int piece = count / 2; piece; piece /= 2) {
		for (unsigned int at = 0; at + piece <= count && runs < SHRINK_RUNS; runs++) {
			memcpy(less, ops, at * sizeof(*ops));
			memcpy(less + at, ops + at + piece, (count - at - piece) * sizeof(*ops));
			if (list_passes(world, less, count - piece, true)) {
				at += piece;
				continue;
			}
			count -= piece;
			memcpy(ops, less, count * sizeof(*ops));
		}
	}
	return count;
}

static void list_explain(u64 seed, const struct model_world *world, struct model_op *ops)
{
	const struct model_host *host = model_host(world->host);
	unsigned int at = *progress, count = list_shrink(world, ops, at);
	char text[160];

	printf("# again: model_%s -s %llu -n %u\n", model.name, seed, at);
	printf("# host: %s; IPA: %u bits\n", host->name, model_ipa_bits(&host->host, world->shape));
	for (unsigned int i = 0; i < count; i++) {
		model.describe(&ops[i], text, sizeof(text));
		printf("#   %s\n", text);
	}
	list_passes(world, ops, count, false);
}

static bool list_try(u64 seed, unsigned int count)
{
	static struct model_op ops[LIST_MAX];
	struct model_world world = list_world(seed);

	list_make(seed, ops, count);
	*progress = 0;
	if (list_passes(&world, ops, count, true))
		return true;
	list_explain(seed, &world, ops);
	return false;
}

/* The lists of one host: seeds that are its number modulo the count of hosts. */
static bool host_try(unsigned int host, unsigned long count)
{
	for (unsigned long done = 0; done < count; done += LIST_MAX)
		if (!list_try(host + MODEL_HOSTS * (1 + done / LIST_MAX), LIST_MAX))
			return false;
	return true;
}

static int all_hosts(unsigned long count)
{
	unsigned long each = (count + MODEL_HOSTS - 1) / MODEL_HOSTS;
	int failed = 0;

	printf("1..%u\n", MODEL_HOSTS);
	for (unsigned int i = 0; i < MODEL_HOSTS; i++) {
		bool ok = host_try(i, each);

		failed |= !ok;
		printf("%sok %u - %s: %lu operations\n", ok ? "" : "not ", i + 1,
		       model_host((u8)i)->name, each);
	}
	return failed;
}

int main(int argc, char **argv)
{
	unsigned long count = MODEL_COUNT;
	u64 seed = 0;
	int option;

	while ((option = getopt(argc, argv, "s:n:")) != -1) {
		if (option == 's')
			seed = strtoull(optarg, NULL, 0);
		else if (option == 'n')
			count = strtoul(optarg, NULL, 0);
		else
			return 2;
	}
	progress = mmap(NULL, sizeof(*progress), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS,
			-1, 0);
	if (progress == MAP_FAILED)
		return 2;
	if (!seed)
		return all_hosts(count);
	return !list_try(seed, (unsigned int)(count < LIST_MAX ? count : LIST_MAX));
}
