# SPDX-License-Identifier: GPL-2.0-only OR MIT
# Random operations against flat maps: a program a room.

model-rooms := s2 vm
model-srcs := tests/model/main.c tests/model/hosts.c tests/model/look.c
model-s2-srcs := tests/model/s2.c tests/model/flat.c
model-vm-srcs := tests/model/vm.c tests/model/rules.c

model-tests := $(model-rooms:%=$(B)/unit/model_%)
unit-tests += $(model-tests)

model-native = $(patsubst %.c,$(B)/native/%.o,$(model-srcs) $(model-$(1)-srcs))
$(B)/native/tests/model/%.o: CPPFLAGS += $(core-cpp)
$(foreach room,$(model-rooms),$(eval $(B)/unit/model_$(room): \
	$(call model-native,$(room)) $(core-native)))
