// SPDX-License-Identifier: GPL-2.0-only OR MIT
/*
 * libFuzzer over the models of tests/model: two bytes choose the world, and each twelve that
 * follow are an operation. What a model finds, a sanitizer or the TLB model complains of,
 * ends in abort().
 */
#include "model.h"

#define OPS_MAX 256U

int LLVMFuzzerTestOneInput(const u8 *data, size_t size);

int LLVMFuzzerTestOneInput(const u8 *data, size_t size)
{
	struct model_world world;
	struct model_op op;

	if (size < sizeof(world) + sizeof(op))
		return 0;
	memcpy(&world, data, sizeof(world));
	data += sizeof(world);
	size -= sizeof(world);
	model.begin(&world);
	for (unsigned int i = 0; i < OPS_MAX && size >= sizeof(op); i++) {
		memcpy(&op, data, sizeof(op));
		model.step(&op);
		data += sizeof(op);
		size -= sizeof(op);
	}
	model.end();
	return 0;
}
