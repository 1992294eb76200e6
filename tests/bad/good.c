// SPDX-License-Identifier: GPL-2.0-only OR MIT
/* core as it is. */
#include "drive.h"

const char bad_expected[] = "";
const bool bad_applies = true;
