# SPDX-License-Identifier: GPL-2.0-only OR MIT
# bench: programs for the emulated host, and a plugin of QEMU that counts; programs for this
# machine that measure core and its peers. The machine that the former run is that of tests/abi.

bench-objs := $(patsubst %,$(B)/arm64/%.o, \
	bench/e2e tests/abi/env tests/abi/guest tests/abi/machine tests/abi/tap)

host-programs += $(B)/bin/bench-e2e
$(B)/bin/bench-e2e: $(bench-objs)
host-programs += $(B)/bin/bench-mark
$(B)/bin/bench-mark: $(B)/arm64/bench/mark.o
$(B)/arm64/bench/%.o: CPPFLAGS += -D_GNU_SOURCE

host-programs += $(B)/bin/bench-tags-bulk
$(B)/bin/bench-tags-bulk: $(filter-out %/e2e.o,$(bench-objs)) \
	$(patsubst %,$(B)/arm64/%,bench/tags/bulk.o $(tag-objs))

host-programs += $(B)/bin/bench-private
$(B)/bin/bench-private: LDFLAGS += -pthread
$(B)/bin/bench-private: $(patsubst %,$(B)/arm64/%.o,bench/private tests/abi/guest) \
	$(B)/arm64/vmm/libtessera.a
$(B)/arm64/bench/private.o: CPPFLAGS += -Ivmm/lib

bench: $(B)/bin/bench-e2e $(B)/bin/bench-mark $(B)/bin/bench-tags-bulk $(B)/bin/bench-private \
	$(B)/bench/count.so
$(B)/bench/count.so: bench/count.c
	@mkdir -p $(@D)
	$(CC) $(CPPFLAGS) $(CFLAGS) -fPIC -shared -o $@ $<

# What is measured here is built as the kernel builds it, without sanitizers, over a seam of
# its own; Linux's sources, which host/linux-source.sh unpacks, over a shim.
# ATOMICS=1 builds programs that count atomic operations, apart.
bench-at := $(B)/bench$(if $(ATOMICS),-atomics)
bench-o := $(bench-at)/o
bench-atomics := $(if $(ATOMICS),-DBENCH_ATOMICS)
bench-cpp := -Icore -Ibench
bench-core := $(core-objs:%=$(bench-o)/%) $(bench-o)/bench/seam.o

LINUX ?= $(TSR_CACHE)/linux-source

$(bench-o)/%.o: %.c
	@mkdir -p $(@D)
	$(CC) $(CPPFLAGS) $(bench-cpp) $(bench-atomics) $(CFLAGS) -c -o $@ $<

# A header that is asked for of the kernel is the shim's; the rest is Linux's own.
shim-kvm := linux/bitfield linux/bits linux/kvm_host linux/pgtable linux/types
shim-lib := asm/barrier linux/bitmap linux/bug linux/compiler linux/err linux/export linux/gfp \
	linux/kconfig linux/kernel linux/limits linux/list linux/lockdep linux/rcupdate \
	linux/sched/mm linux/slab linux/spinlock linux/types trace/events/maple_tree
shim-headers := $(shim-kvm:%=$(bench-at)/shim/kvm/%.h) $(shim-lib:%=$(bench-at)/shim/lib/%.h)
$(shim-headers): $(bench-at)/shim/%:
	@mkdir -p $(@D)
	echo '#include "shim/$(firstword $(subst /, ,$*)).h"' >$@

kvm-cpp := -Ibench -iquote core -I$(bench-at)/shim/kvm -idirafter $(LINUX)/arch/arm64/include
lib-cpp := -Ibench -iquote core -I$(bench-at)/shim/lib -idirafter $(LINUX)/include
bench-kvm := $(bench-o)/bench/s2/linux.o $(bench-o)/linux/arch/arm64/kvm/hyp/pgtable.o
bench-lib := $(patsubst %,$(bench-o)/bench/%.o,attr/xarray attr/maple shim/lib) \
	$(bench-o)/linux/lib/xarray.o $(bench-o)/linux/lib/maple_tree.o
$(bench-kvm): bench-cpp := $(kvm-cpp)
$(bench-lib): bench-cpp := $(lib-cpp)
$(bench-kvm) $(bench-lib): $(shim-headers)

$(bench-o)/linux/%.o: $(LINUX)/%.c
	@mkdir -p $(@D)
	$(CC) $(CPPFLAGS) $(bench-cpp) $(bench-atomics) $(CFLAGS) -w -c -o $@ $<

bench-common := $(patsubst %,$(bench-o)/bench/%.o,meter heap pool)
bench-stage2 := $(bench-common) $(bench-o)/bench/s2/threads.o
$(bench-at)/s2-ours: $(bench-o)/bench/s2/ours.o $(bench-stage2) $(bench-core)
$(bench-at)/s2-linux: $(bench-kvm) $(bench-stage2)
$(bench-at)/attr-ours: $(bench-o)/bench/attr/ours.o $(bench-common) $(bench-core)
$(bench-at)/attr-vm: $(bench-o)/bench/attr/vm.o $(bench-common) $(bench-core)
$(bench-at)/attr-xarray: $(filter-out %/maple.o %/maple_tree.o,$(bench-lib)) $(bench-common)
$(bench-at)/attr-maple: $(filter-out %/xarray.o,$(bench-lib)) $(bench-common)

# The tag codec, and others in its place.
$(bench-at)/codec-ours: $(tag-objs:%=$(bench-o)/%)
$(bench-at)/codec-zstd: LDLIBS += -lzstd
$(bench-at)/codec-lz4: LDLIBS += -llz4
bench-codecs := $(patsubst %,$(bench-at)/codec-%,ours zstd lz4 runs bytes)
$(bench-codecs): $(bench-at)/codec-%: $(bench-o)/bench/tags/codec_%.o $(bench-o)/bench/meter.o
$(bench-o)/bench/tags/%.o: bench-cpp += -Itests/unit

bench-ours := $(patsubst %,$(bench-at)/%,s2-ours attr-ours attr-vm)
bench-peers := $(patsubst %,$(bench-at)/%,s2-linux attr-xarray attr-maple)
$(bench-ours) $(bench-peers) $(bench-codecs):
	@mkdir -p $(@D)
	$(CC) -Wl,-z,now -o $@ $^ $(LDLIBS)

# Each row once, with little, in ./dev test.
bench-tests := $(B)/unit/bench_s2 $(B)/unit/bench_attr $(B)/unit/bench_vm \
	$(B)/unit/bench_codec
unit-tests += $(bench-tests)
$(B)/unit/bench_s2: $(bench-at)/s2-ours
$(B)/unit/bench_attr: $(bench-at)/attr-ours
$(B)/unit/bench_vm: $(bench-at)/attr-vm
$(B)/unit/bench_codec: $(bench-at)/codec-ours
$(bench-tests):
	@mkdir -p $(@D)
	cp $< $@

bench-ours: $(bench-ours)
bench-peers: $(bench-peers)
bench-codecs: $(bench-codecs)

-include $(shell find $(bench-o) -name '*.d' 2>/dev/null)

.PHONY: bench bench-ours bench-peers bench-codecs
