# SPDX-License-Identifier: GPL-2.0-only OR MIT
# Is what a host of the demo wrote as it has to be? One line for each thing that is not;
# nothing if all is. awk -v expect=notag|touch|refused -v cksum=N -v units=N.

function want(good, text)
{
	if (!good)
		print text
}

/the guest reaches step [0-9]+$/ { mark = $NF }
/the guest needs allocation tags/ { tags[mark]++ }
/ vmm +promoted / { promoted[mark]++ }
/^guest: / { said[++lines] = substr($0, 8) }
/^@?[a-z0-9_]+=/ {
	split($0, pair, "=")
	value[pair[1]] = pair[2]
}
/EINVAL/ { einval = 1 }

function check_guest(    i, text)
{
	text[1] = "8 MiB of file-backed memory, checksum " cksum
	text[2] = "stored tag 5 in anonymous memory and read back 5"
	text[3] = "stored tag 10 in file-backed memory"
	text[4] = "read back tag 10"
	text[5] = "a load with tag 3 there: tag check fault, caught at EL1"
	text[6] = "checksum again " cksum
	text[7] = "all as expected"
	for (i = 1; i <= 7; i++)
		want(said[i] == text[i], "the guest did not say \"" text[i] "\"")
	want(lines == 7, "the guest said " lines " lines, not 7")
}

function check_exits(step, count,    i)
{
	for (i = 1; i <= 6; i++) {
		want(tags[i] + 0 == (i == step ? count : 0),
			tags[i] + 0 " TAG exits in step " i)
		want(promoted[i] + 0 == (i == step ? count : 0),
			promoted[i] + 0 " promotions in step " i)
	}
	want(value["exits_tag"] == count, value["exits_tag"] " TAG exits in all")
	want(value["promotions"] == count, value["promotions"] " promotions in all")
	want(value["exits_memory_fault"] == "0", "other memory faults exited")
}

END {
	if (expect == "refused") {
		want(value["@status"] == 104, "status " value["@status"] " instead of 104, refused")
		want(einval, "the refusal was not EINVAL")
		want(!lines, "a guest ran")
		exit
	}
	want(value["@status"] == "0", "status " value["@status"])
	want(value["tessera"] == 1, "this is not tessera")
	want(value["notag"] == (expect == "notag"), "NoTagAccess enforced: " value["notag"])
	check_guest()
	if (expect == "notag")
		check_exits(3, 1)
	else
		check_exits(1, units)
}
