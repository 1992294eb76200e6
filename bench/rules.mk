# SPDX-License-Identifier: GPL-2.0-only OR MIT
# bench: programs for the emulated host, and a plugin of QEMU that counts. The
# machine that the programs run is that of tests/abi.

bench-objs := $(patsubst %,$(B)/arm64/%.o, \
	bench/e2e tests/abi/env tests/abi/guest tests/abi/machine tests/abi/tap)

host-programs += $(B)/bin/bench-e2e
$(B)/bin/bench-e2e: $(bench-objs)
$(B)/arm64/bench/%.o: CPPFLAGS += -D_GNU_SOURCE

bench: $(B)/bin/bench-e2e $(B)/bench/count.so
$(B)/bench/count.so: bench/count.c
	@mkdir -p $(@D)
	$(CC) $(CPPFLAGS) $(CFLAGS) -fPIC -shared -o $@ $<

.PHONY: bench
