# SPDX-License-Identifier: GPL-2.0-only OR MIT
# The bare-metal guests: one for each guest/test/NAME.c, linked with all of
# guest/lib, and hello.bin, the flat form of one.

guest-names := $(patsubst guest/test/%.c,%,$(wildcard guest/test/*.c))
guest-elfs := $(guest-names:%=$(B)/guest/%)
guest-lib := $(patsubst %,$(B)/arm64/%.o,\
	$(basename $(wildcard guest/lib/*.S) $(wildcard guest/lib/*.c)))

guests += $(guest-elfs) $(B)/guest/hello.bin

# Built for the base architecture: what needs more is assembly that says so. The
# compiler may neither use FP registers nor call what is not there.
$(B)/arm64/guest/%.o: CPPFLAGS += -Iguest/lib
$(B)/arm64/guest/%.o: CFLAGS += -march=armv8-a -mgeneral-regs-only \
	-mstrict-align -mno-outline-atomics -ffreestanding -fno-pic \
	-fno-stack-protector -fno-asynchronous-unwind-tables \
	-fno-tree-loop-distribute-patterns

$(guest-elfs): $(B)/guest/%: $(B)/arm64/guest/test/%.o $(guest-lib) \
		guest/lib/guest.lds
	@mkdir -p $(@D)
	$(XLD) -static -T guest/lib/guest.lds -z noexecstack \
		--no-warn-rwx-segments --fatal-warnings -o $@ $(filter %.o,$^)

$(B)/guest/%.bin: $(B)/guest/%
	$(XOBJCOPY) -O binary $< $@
