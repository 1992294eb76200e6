# SPDX-License-Identifier: GPL-2.0-only OR MIT
# The example of docs/abi.md is built and run with everything else, so that it stays true.

host-programs += $(B)/bin/example-minimal

$(B)/arm64/docs/examples/%.o: CPPFLAGS += -Iinclude/uapi
$(B)/bin/example-minimal: LDFLAGS += -pthread
$(B)/bin/example-minimal: $(B)/arm64/docs/examples/minimal.o

guests += $(B)/guest/example.bin
