# SPDX-License-Identifier: GPL-2.0-only OR MIT
# The tag codec for programs, $(tag-objs) below $(B)/native or $(B)/arm64: it needs the
# vocabulary of a seam_os.h alone. The rest of core is built by emu/rules.mk.
tag-cpp := -Icore -Iemu
$(B)/native/core/tag/%.o $(B)/arm64/core/tag/%.o: CPPFLAGS += $(tag-cpp)
