/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
#include "tessera/clock.h"
#include "control.h"

static const struct tsr_ram_region *chosen_region(const struct control *control)
{
	uint64_t chosen = control->chosen;

	return chosen < control->ram->count ? &control->ram->regions[chosen] : NULL;
}

static int look(const struct control *control, uint64_t *value)
{
	return -tsr_ram_read(control->ram, control->looked, value, sizeof(*value));
}

static uint64_t register_read(const struct control *control, uint64_t offset)
{
	const struct tsr_ram_region *region = chosen_region(control);
	uint64_t value = 0;

	switch (offset) {
	case CONTROL_TAG_EXITS:
		return control->tally->tag_exits;
	case CONTROL_PROMOTIONS:
		return control->tally->promotions;
	case CONTROL_FAULT_EXITS:
		return control->tally->fault_exits;
	case CONTROL_FLAGS:
		return control->flags;
	case CONTROL_VCPUS:
		return control->vcpus;
	case CONTROL_RAM:
		return region ? tsr_range_size(region->gpa) : 0;
	case CONTROL_RAM_BASE:
		return region ? region->gpa.start : 0;
	case CONTROL_RAM_KIND:
		return region ? region->kind : 0;
	case CONTROL_CLOCK:
		return tsr_clock_ns();
	case CONTROL_SCRATCH:
		return control->scratch;
	case CONTROL_HOLE_EXITS:
		return control->tally->hole_exits;
	case CONTROL_UNIT:
		return control->unit;
	case CONTROL_LOOK:
		look(control, &value);
		return value;
	case CONTROL_LOOK_ERROR:
		return (uint64_t)look(control, &value);
	default:
		return 0;
	}
}

static void scratch_write(struct control *control, unsigned int byte, const struct tsr_mmio *mmio)
{
	uint64_t mask = UINT64_MAX;

	if (mmio->size < 8)
		mask = (UINT64_C(1) << (8 * mmio->size)) - 1;
	control->scratch = (control->scratch & ~(mask << (8 * byte))) | (mmio->value & mask)
										<< (8 * byte);
}

static enum control_event register_write(struct control *control, uint64_t offset,
					 const struct tsr_mmio *mmio)
{
	switch (offset) {
	case CONTROL_EXIT:
		return CONTROL_EXITED;
	case CONTROL_MARK:
		return CONTROL_MARKED;
	case CONTROL_RAM:
		control->chosen = mmio->value;
		return CONTROL_DONE;
	case CONTROL_LOOK:
		control->looked = mmio->value;
		return CONTROL_DONE;
	default:
		return CONTROL_DONE;
	}
}

enum control_event control_access(struct control *control, struct tsr_mmio *mmio)
{
	uint64_t offset = mmio->gpa - CONTROL_GPA;
	unsigned int byte = offset % 8;

	offset -= byte;
	if (!mmio->write) {
		mmio->value = register_read(control, offset) >> (8 * byte);
		return CONTROL_DONE;
	}
	if (offset == CONTROL_SCRATCH) {
		scratch_write(control, byte, mmio);
		return CONTROL_DONE;
	}
	return mmio->size == 8 ? register_write(control, offset, mmio) : CONTROL_DONE;
}
