# SPDX-License-Identifier: GPL-2.0-only OR MIT
# abi: the uABI against its tables, a program for the emulated host.

abi-objs := $(patsubst %,$(B)/arm64/%.o, \
	$(basename $(wildcard tests/abi/*.c tests/abi/*.S)))

host-programs += $(B)/bin/abi
$(B)/bin/abi: $(abi-objs)
$(B)/bin/abi: LDLIBS += -pthread
$(abi-objs): CPPFLAGS += -D_GNU_SOURCE
# A row leaves out what is zero.
$(abi-objs): CFLAGS += -Wno-missing-field-initializers

# What refused.c expects is generated from the page that lint holds to the module's tables.
$(B)/arm64/tests/abi/refused.o: CPPFLAGS += -I$(B)/generated
$(B)/arm64/tests/abi/refused.o: $(B)/generated/abi_ioctls.h
$(B)/generated/abi_ioctls.h: docs/abi.md docs/states
	@mkdir -p $(@D)
	docs/states --ioctls >$@

# What tests/host/allocfail.sh runs, on the same machine.
host-programs += $(B)/bin/test-allocfail
$(B)/bin/test-allocfail: $(patsubst %,$(B)/arm64/tests/%.o, \
	host/allocfail abi/env abi/guest abi/machine abi/tap)
$(B)/arm64/tests/host/allocfail.o: CPPFLAGS += -D_GNU_SOURCE

# And private.sh.
host-programs += $(B)/bin/test-private
$(B)/bin/test-private: $(patsubst %,$(B)/arm64/tests/%.o, \
	host/private host/private_ring abi/env abi/guest abi/machine abi/tap)
$(B)/arm64/tests/host/private.o $(B)/arm64/tests/host/private_ring.o: CPPFLAGS += -D_GNU_SOURCE
# And gmem.sh.
host-programs += $(B)/bin/test-gmem
$(B)/bin/test-gmem: $(patsubst %,$(B)/arm64/tests/%.o, \
	host/gmem abi/env abi/guest abi/machine abi/tap)
$(B)/bin/test-gmem: LDLIBS += -pthread
$(B)/arm64/tests/host/gmem.o: CPPFLAGS += -D_GNU_SOURCE
