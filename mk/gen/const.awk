# SPDX-License-Identifier: GPL-2.0-only
# Turns the preprocessor's "#define O_CREAT 00000100" into "X(O_CREAT)": the
# names of the integer macros, for the C compiler to evaluate.
#
#	awk -v from=uapi|libc -f const.awk MACROS
#
# Only these families are taken, because a header defines much else: include
# guards, strings, macros that need a struct that is not declared.

BEGIN {
	FUNCTION = "("
	TYPE = "^(char|short|int|long|unsigned|size_t|__(be|u|s)(8|16|32|64)|__(kernel|poll)[a-z_]*_t|in_addr_t)$"
	print "/* SPDX-License-Identifier: GPL-2.0-only */"
	family["uapi"] = "^((ARCH|AT|AUDIT_ARCH|BPF|CAP|CLD|CLOCK|CLONE|CLOSE_RANGE|EPOLL|F|FALLOC_FL|FAN|FD|FS|FSMOUNT" \
		"|FSOPEN|FSPICK|FUTEX|GRND|IN|IPC|ITIMER|KCMP|KEY|KEYCTL|LINUX_REBOOT|LOCK|MADV|MAP|MCL|MFD" \
		"|MLOCK|MOUNT_ATTR|MOVE_MOUNT|MREMAP|MS|MSG|NS|O|OPEN_TREE|P|PIDFD|PKEY|POSIX_FADV|PR|PRIO|PROT" \
		"|PTRACE|RENAME|RESOLVE|RLIM|RLIMIT|RUSAGE|RWF|S|SA|SCHED|SECBIT|SECCOMP|SEEK|SEGV|SEM|SFD|SI" \
		"|SIG|SIGEV|SPLICE_F|STATX|TFD|TIMER|UFFD|UFFDIO|XATTR)_" \
		"|(BLK|EPOLL|FI|POLL|SIG|TC|TIOC|W)[A-Z]" \
		"|(GETALL|GETNCNT|GETPID|GETVAL|GETZCNT|SETALL|SETVAL|NAME_MAX|PATH_MAX|PIPE_BUF|FASYNC)$" \
		"|__W(ALL|CLONE|NOTHREAD)$|[0-9A-Z_]+_MAGIC$)"
	family["libc"] = "^((AF|DT|EFD|IN6?|INADDR|IP|IPPROTO|IPV6|MNT|MSG|NETLINK|NLM_F|NLMSG|PF|SCM|SHM|SHUT|SO|SOCK|SOL|TCP" \
		"|UMOUNT|UTIME|VMADDR)_|[FRWX]_OK$|SOMAXCONN$)"
}

$1 == "#define" {
	name = $2
	sub(/\(.*/, "", name)
	body[name] = name == $2 ? substr($0, length($1 " " $2) + 2) : FUNCTION
}

END {
	for (name in body)
		if (name ~ family[from] && body[name] != FUNCTION && is_integer(name, name))
			print "X(" name ")"
}

# Returns true if the compiler can evaluate the macro: it contains no pointer,
# string or struct, and every word is a type, a macro that can be evaluated, or
# (if it equals the macro's name) an enumerator.
function is_integer(macro, first,    text, word)
{
	text = body[macro]
	if (text == FUNCTION)
		return 1
	if (text == "" || text ~ /[*"]|__attribute__/)
		return 0
	gsub(/'[^']+'/, "", text)
	while (match(text, /[0-9A-Za-z_]+/)) {
		word = substr(text, RSTART, RLENGTH)
		text = substr(text, RSTART + RLENGTH)
		if (word ~ /^[0-9]/ || word ~ TYPE || word == macro && word == first)
			continue
		if (!(word in body) || word == macro || !is_integer(word, first))
			return 0
	}
	return 1
}
