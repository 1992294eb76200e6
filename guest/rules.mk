# SPDX-License-Identifier: GPL-2.0-only OR MIT
# The bare-metal guests: $(BUILD)/guest/NAME.elf for each guest/test/NAME.c, and
# hello.bin, the flat form of one. Needs BUILD and CROSS from the top-level Makefile.

GUEST_CC ?= $(CROSS)gcc-14
GUEST_OBJCOPY ?= $(CROSS)objcopy

guest-out := $(BUILD)/guest
guest-names := $(patsubst guest/test/%.c,%,$(wildcard guest/test/*.c))
guest-elfs := $(guest-names:%=$(guest-out)/%.elf)
guest-lib-objs := $(patsubst guest/lib/%,$(guest-out)/lib/%.o,\
	$(wildcard guest/lib/*.S) $(wildcard guest/lib/*.c))

# Built for the base architecture; what needs more names it where it is used.
guest-flags := -march=armv8-a -mgeneral-regs-only -mstrict-align -ffreestanding \
	-nostdlib -fno-pic -fno-pie -fno-stack-protector \
	-fno-asynchronous-unwind-tables -mno-outline-atomics -mbranch-protection=none \
	-Iguest/lib -Iguest/test -MMD -MP
guest-cflags := -std=gnu11 -O2 -g -Wall -Wextra -Werror -fno-tree-loop-distribute-patterns
guest-ldflags := -static -no-pie -Wl,-T,guest/lib/guest.lds -Wl,--build-id=none \
	-Wl,-z,noexecstack -Wl,--no-warn-rwx-segments -Wl,--fatal-warnings

.PHONY: guests
guests: $(guest-elfs) $(guest-out)/hello.bin

$(guest-out)/lib/%.S.o: guest/lib/%.S
	@mkdir -p $(@D)
	$(GUEST_CC) $(guest-flags) -c -o $@ $<

$(guest-out)/lib/%.c.o: guest/lib/%.c
	@mkdir -p $(@D)
	$(GUEST_CC) $(guest-flags) $(guest-cflags) -c -o $@ $<

$(guest-out)/test/%.o: guest/test/%.c
	@mkdir -p $(@D)
	$(GUEST_CC) $(guest-flags) $(guest-cflags) -c -o $@ $<

$(guest-out)/%.elf: $(guest-out)/test/%.o $(guest-lib-objs) guest/lib/guest.lds
	$(GUEST_CC) $(guest-flags) $(guest-ldflags) -o $@ $< $(guest-lib-objs)

$(guest-out)/hello.bin: $(guest-out)/hello.elf
	$(GUEST_OBJCOPY) -O binary $< $@

.SECONDARY: $(guest-names:%=$(guest-out)/test/%.o)
-include $(wildcard $(guest-out)/lib/*.d $(guest-out)/test/*.d)
