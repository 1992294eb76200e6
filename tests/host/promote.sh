#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only OR MIT
# machines: all
# also: newest
# timeout: 240
exec test-promote "$TSR_DISK"
