# SPDX-License-Identifier: GPL-2.0-only OR MIT
# test-matrix: the table of memories on an emulated host; test-device: what a device's
# memory does beyond it. Both run on the machine of tests/abi.

device-lib := $(patsubst %,$(B)/arm64/tests/%.o,abi/env abi/machine abi/tap abi/guest \
	device/vfio)
matrix-objs := $(patsubst %,$(B)/arm64/tests/matrix/%.o,matrix memory)

host-programs += $(B)/bin/test-matrix
$(B)/bin/test-matrix: $(matrix-objs) $(device-lib)

$(matrix-objs) $(B)/arm64/tests/device/%.o: CPPFLAGS += -D_GNU_SOURCE -I$(B)/generated
$(matrix-objs): $(B)/generated/matrix_rows.h
$(B)/generated/matrix_rows.h: tests/matrix/table docs/matrix
	@mkdir -p $(@D)
	docs/matrix --rows >$@

host-programs += $(B)/bin/test-device
$(B)/bin/test-device: $(patsubst %,$(B)/arm64/tests/device/%.o,main mappings assigned) \
	$(device-lib)
