# SPDX-License-Identifier: GPL-2.0-only OR MIT
# awk -v group=GROUP -f compare.awk GOALS OURS PEER...: a line of ./dev bench for
# each figure that there is a goal for, and one for each that is a time. OURS and
# PEER hold lines "ROW UNIT VALUE"; a peer is called what its file is. The status
# is 1 where a goal is missed, or a figure is.

function better(unit, a, b)
{
	return unit == "scaling" ? a > b : a < b
}

# The best peer of a figure is in PEER and PEER_NAME from now on.
function find_peer(key,    i)
{
	peer = known[key]
	peer_name = known_name[key]
	for (i = 2; i < files; i++) {
		if (!((name[i], key) in value))
			continue
		if (peer == "" || better(unit[key], value[name[i], key], peer)) {
			peer = value[name[i], key]
			peer_name = name[i]
		}
	}
}

function show(key, kind, goal,    ours, ratio, ok, text)
{
	ours = value[name[1], key]
	if (ours == "") {
		printf "bench: %s has no figure in %s\n", row[key], unit[key]
		status = 1
		return
	}
	find_peer(key)
	text = "bench: " row[key] " ours=" ours
	if (peer != "") {
		ratio = peer > 0 ? ours / peer : 0
		text = text " peer=" peer "(" peer_name ")"
	}
	text = text " unit=" unit[key]
	if (peer != "")
		text = text sprintf(" ratio=%.3g", ratio)
	if (kind == "none") {
		print text
		return
	}
	ok = kind == "goal" ? ratio <= goal : kind == "least" ? ratio >= goal : ours <= goal
	if (kind != "most" && peer == "")
		ok = 0
	print text, kind "=" goal, ok ? "ok" : "short"
	if (!ok)
		status = 1
}

FNR == 1 {
	files++
	name[files - 1] = FILENAME
	sub(/.*\//, "", name[files - 1])
}

files == 1 {
	if (/^#/ || index($1, group "/") != 1)
		next
	key = $1 " " $2
	row[key] = $1
	unit[key] = $2
	kinds[key] = $3
	goals[key] = $4
	known_name[key] = $5
	known[key] = $6
	order[++count] = key
	next
}

{
	key = group "/" $1 " " $2
	if ($2 == "ns" && !(key in row)) {
		row[key] = group "/" $1
		unit[key] = $2
		kinds[key] = "none"
		order[++count] = key
	}
	value[name[files - 1], key] = $3
}

END {
	for (i = 1; i <= count; i++)
		show(order[i], kinds[order[i]], goals[order[i]])
	exit status
}
