/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
#include_next <linux/types.h>
#include "seam_os.h"
