# SPDX-License-Identifier: GPL-2.0-only OR MIT
# bench: programs for the emulated host, and a plugin of QEMU that counts; programs for this
# machine that measure core and its peers. The machine that the former run is that of tests/abi.

bench-objs := $(patsubst %,$(B)/arm64/%.o, \
	bench/e2e tests/abi/env tests/abi/guest tests/abi/machine tests/abi/tap)

host-programs += $(B)/bin/bench-e2e
$(B)/bin/bench-e2e: $(bench-objs)
$(B)/arm64/bench/%.o: CPPFLAGS += -D_GNU_SOURCE

bench: $(B)/bin/bench-e2e $(B)/bench/count.so
$(B)/bench/count.so: bench/count.c
	@mkdir -p $(@D)
	$(CC) $(CPPFLAGS) $(CFLAGS) -fPIC -shared -o $@ $<

# What is measured here is built as the kernel builds it, without sanitizers, over a seam of
# its own.
bench-cpp := -Icore -Ibench
bench-common := $(B)/bench/o/bench/meter.o $(B)/bench/o/bench/heap.o $(B)/bench/o/bench/pool.o
bench-core := $(core-objs:%=$(B)/bench/o/%) $(B)/bench/o/bench/seam.o

$(B)/bench/o/%.o: %.c
	@mkdir -p $(@D)
	$(CC) $(CPPFLAGS) $(bench-cpp) $(CFLAGS) -c -o $@ $<

$(B)/bench/s2-ours: $(B)/bench/o/bench/s2/rows.o $(B)/bench/o/bench/s2/ours.o \
		$(bench-common) $(bench-core)
$(B)/bench/s2-ours:
	@mkdir -p $(@D)
	$(CC) -o $@ $^

$(B)/bench/attr-ours: $(B)/bench/o/bench/attr/rows.o $(B)/bench/o/bench/attr/ours.o \
		$(bench-common) $(bench-core)
$(B)/bench/attr-ours:
	@mkdir -p $(@D)
	$(CC) -o $@ $^

bench-ours: $(B)/bench/s2-ours $(B)/bench/attr-ours

-include $(shell find $(B)/bench/o -name '*.d' 2>/dev/null)

.PHONY: bench bench-ours
