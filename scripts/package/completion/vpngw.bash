# shellcheck shell=bash
# Completion of vpngw in bash: the program itself says what a word may become.
_vpngw() {
	local line
	COMPREPLY=()
	while IFS= read -r line; do
		if [ "$line" = FILE ]; then
			while IFS= read -r line; do COMPREPLY+=("$line"); done < <(compgen -f -- "${COMP_WORDS[COMP_CWORD]}")
			compopt -o filenames
		else
			COMPREPLY+=("$line")
		fi
	done < <("${COMP_WORDS[0]}" complete "${COMP_WORDS[@]:1:COMP_CWORD}" 2>/dev/null)
}
complete -F _vpngw vpngw
