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

# A header that is asked for of the kernel is the shim's; the rest is Linux's own.
shim-kvm := linux/bitfield linux/bits linux/kvm_host linux/pgtable linux/types
shim-lib := asm/barrier linux/bitmap linux/bug linux/compiler linux/err linux/export linux/gfp \
	linux/kconfig linux/kernel linux/limits linux/list linux/lockdep linux/rcupdate \
	linux/sched/mm linux/slab linux/spinlock linux/types trace/events/maple_tree
shim-headers := $(shim-kvm:%=$(B)/bench/shim/kvm/%.h) $(shim-lib:%=$(B)/bench/shim/lib/%.h)
$(shim-headers): $(B)/bench/shim/%:
	@mkdir -p $(@D)
	echo '#include "shim/$(firstword $(subst /, ,$*)).h"' >$@

kvm-cpp := -Ibench -I$(B)/bench/shim/kvm -idirafter $(LINUX)/arch/arm64/include
lib-cpp := -Ibench -I$(B)/bench/shim/lib -idirafter $(LINUX)/include
bench-kvm := $(bench-o)/bench/s2/linux.o $(bench-o)/linux/arch/arm64/kvm/hyp/pgtable.o
bench-lib := $(patsubst %,$(bench-o)/bench/%.o,attr/xarray attr/maple shim/lib) \
	$(bench-o)/linux/lib/xarray.o $(bench-o)/linux/lib/maple_tree.o
$(bench-kvm): bench-cpp := $(kvm-cpp)
$(bench-lib): bench-cpp := $(lib-cpp)
$(bench-kvm) $(bench-lib): $(shim-headers)

$(bench-o)/linux/%.o: $(LINUX)/%.c
	@mkdir -p $(@D)
	$(CC) $(CPPFLAGS) $(bench-cpp) $(CFLAGS) -w -c -o $@ $<

bench-rows = $(patsubst %,$(bench-o)/bench/%.o,$(1)/rows meter heap pool)
$(B)/bench/s2-ours: $(call bench-rows,s2) $(bench-o)/bench/s2/ours.o $(bench-core)
$(B)/bench/s2-linux: $(call bench-rows,s2) $(bench-kvm)
$(B)/bench/attr-ours: $(call bench-rows,attr) $(bench-o)/bench/attr/ours.o $(bench-core)
$(B)/bench/attr-xarray: $(call bench-rows,attr) $(filter-out %/maple.o %/maple_tree.o,$(bench-lib))
$(B)/bench/attr-maple: $(call bench-rows,attr) $(filter-out %/xarray.o,$(bench-lib))

bench-ours := $(B)/bench/s2-ours $(B)/bench/attr-ours
bench-peers := $(patsubst %,$(B)/bench/%,s2-linux attr-xarray attr-maple)
$(bench-ours) $(bench-peers):
	@mkdir -p $(@D)
	$(CC) -o $@ $^

bench-ours: $(bench-ours)
bench-peers: $(bench-peers)

-include $(shell find $(bench-o) -name '*.d' 2>/dev/null)

.PHONY: bench bench-ours bench-peers
