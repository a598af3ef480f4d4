# SPDX-License-Identifier: GPL-2.0-only
# Completion of bash for provium, which `provium complete` does.
#
# "make install" puts it where bash-completion finds it. From a checkout:
#	. completion/provium.bash

_provium() {
	local words=() index=0 prefix='' i word line after_equals=''

	# bash splits words at "=": put them together again.
	for ((i = 1; i < ${#COMP_WORDS[@]}; i++)); do
		word=${COMP_WORDS[i]}
		if [[ ${#words[@]} -gt 0 && ($word = '=' || $after_equals) ]]; then
			words[${#words[@]} - 1]+=$word
		else
			words+=("$word")
		fi
		after_equals=
		[[ $word = '=' ]] && after_equals=1
		((i == COMP_CWORD)) && index=${#words[@]}
	done
	((index)) || return
	word=${words[index - 1]//\\/}
	words[index - 1]=$word
	[[ $word = *=* ]] && prefix=${word%=*}=

	COMPREPLY=()
	while IFS= read -r line; do
		line=${line%%$'\t'*}
		[[ $line = *= ]] && compopt -o nospace 2>/dev/null
		line=${line#"$prefix"}
		[[ $line = *[!A-Za-z0-9_.,/=-]* ]] && printf -v line %q "$line"
		COMPREPLY+=("$line")
	done < <("${COMP_WORDS[0]/#\~/$HOME}" complete "$index" "${words[@]}" 2>/dev/null)
}

complete -o default -F _provium provium
