# SPDX-License-Identifier: GPL-2.0-only OR MIT
# Random operations against flat maps, a program a room: unit/model_ROOM with sanitizers,
# and full/model_ROOM for a hundred times as many operations.

model-rooms := s2 vm
model-srcs := tests/model/main.c tests/model/hosts.c tests/model/look.c
model-s2-srcs := tests/model/s2.c tests/model/together.c tests/model/flat.c
model-vm-srcs := tests/model/vm.c tests/model/rules.c tests/model/tagged.c

unit-tests += $(model-rooms:%=$(B)/unit/model_%)
full-tests += $(model-rooms:%=$(B)/full/model_%)

$(B)/native/tests/model/%.o $(B)/plain/%.o: CPPFLAGS += $(core-cpp)
$(B)/plain/%.o: CFLAGS += -pthread
$(B)/plain/tests/model/main.o: CPPFLAGS += -DMODEL_COUNT=10000000UL

define model-program
$(B)/unit/model_$(1): $$(patsubst %.c,$(B)/native/%.o,$$(model-srcs) $$(model-$(1)-srcs)) \
	$$(core-native)
$(B)/full/model_$(1): $$(patsubst %.c,$(B)/plain/%.o,$$(model-srcs) $$(model-$(1)-srcs) \
	$$(core-objs:.o=.c) $$(emu-srcs))
endef
model-threads := $(patsubst %.c,%.o,tests/model/threads.c tests/model/hosts.c \
	tests/model/look.c $(model-s2-srcs))

unit-tests += $(B)/unit/model_threads $(B)/unit/model_threads_tsan
$(B)/unit/model_threads: $(model-threads:%=$(B)/native/%) $(core-native)
$(B)/unit/model_threads_tsan: sanitize := -fsanitize=thread
$(B)/unit/model_threads_tsan: $(model-threads:%=$(B)/tsan/%) $(core-objs:%=$(B)/tsan/%) \
	$(emu-srcs:%.c=$(B)/tsan/%.o)

$(foreach room,$(model-rooms),$(eval $(call model-program,$(room))))
