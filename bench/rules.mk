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
# its own; Linux's sources, which host/linux-source.sh unpacks, over a shim.
bench-o := $(B)/bench/o
bench-cpp := -Icore -Ibench
bench-core := $(core-objs:%=$(bench-o)/%) $(bench-o)/bench/seam.o

LINUX ?= $(TSR_CACHE)/linux-source

$(bench-o)/%.o: %.c
	@mkdir -p $(@D)
	$(CC) $(CPPFLAGS) $(bench-cpp) $(CFLAGS) -c -o $@ $<

s2-shim := -Ibench/s2/shim -idirafter $(LINUX)/arch/arm64/include
$(bench-o)/bench/s2/linux.o: bench-cpp := -Ibench -Ibench/s2 $(s2-shim)
$(bench-o)/pgtable.o: $(LINUX)/arch/arm64/kvm/hyp/pgtable.c
	@mkdir -p $(@D)
	$(CC) $(CPPFLAGS) -Ibench $(s2-shim) $(CFLAGS) -w -c -o $@ $<

bench-rows = $(patsubst %,$(bench-o)/bench/%.o,$(1)/rows meter heap pool)
$(B)/bench/s2-ours: $(call bench-rows,s2) $(bench-o)/bench/s2/ours.o $(bench-core)
$(B)/bench/s2-linux: $(call bench-rows,s2) $(bench-o)/bench/s2/linux.o $(bench-o)/pgtable.o
$(B)/bench/attr-ours: $(call bench-rows,attr) $(bench-o)/bench/attr/ours.o $(bench-core)

bench-ours := $(B)/bench/s2-ours $(B)/bench/attr-ours
bench-peers := $(B)/bench/s2-linux
$(bench-ours) $(bench-peers):
	@mkdir -p $(@D)
	$(CC) -o $@ $^

bench-ours: $(bench-ours)
bench-peers: $(bench-peers)

-include $(shell find $(bench-o) -name '*.d' 2>/dev/null)

.PHONY: bench bench-ours bench-peers
