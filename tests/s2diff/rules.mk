# SPDX-License-Identifier: GPL-2.0-only OR MIT
# s2diff: an image that QEMU boots at EL2, and the checker that asks emu/mmu
# about each of its cases. The checker is its own physical memory: it takes of
# emu the walker alone.

s2diff-objs := $(addprefix $(B)/arm64/tests/s2diff/,start.o main.o plan.o el2.o out.o) \
	$(B)/arm64/guest/lib/string.o

$(s2diff-objs): CFLAGS += -march=armv8-a -mgeneral-regs-only -mstrict-align \
	-mno-outline-atomics -ffreestanding -fno-pic -fno-stack-protector \
	-fno-asynchronous-unwind-tables -fno-tree-loop-distribute-patterns

s2diff-image := $(B)/s2diff/image
$(s2diff-image): $(s2diff-objs) tests/s2diff/image.lds
	@mkdir -p $(@D)
	$(XLD) -static -T tests/s2diff/image.lds -z noexecstack \
		--no-warn-rwx-segments --fatal-warnings -o $@ $(filter %.o,$^)

arm64: $(s2diff-image)

s2diff-check := $(B)/s2diff/check
s2diff-check-objs := $(addprefix $(B)/native/,\
	tests/s2diff/check.o tests/s2diff/expect.o tests/s2diff/differences.o \
	emu/mmu.o)
$(s2diff-check): $(s2diff-check-objs)
	@mkdir -p $(@D)
	$(CC) $(LDFLAGS) $(sanitize) -o $@ $^
$(B)/native/tests/s2diff/%.o: CPPFLAGS += $(core-cpp)

unit: $(s2diff-check)
