#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only OR MIT
# machines: all
# also: newest
# timeout: 600
exec test-promote "$TSR_DISK"
