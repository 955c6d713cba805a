# shellcheck shell=bash
# The whole library of the lab.
# shellcheck source=lab.sh
. "$(dirname "${BASH_SOURCE[0]}")/lab.sh"
# shellcheck source=strongswan.sh
. "$(dirname "${BASH_SOURCE[0]}")/strongswan.sh"
# shellcheck source=impair.sh
. "$(dirname "${BASH_SOURCE[0]}")/impair.sh"
# shellcheck source=frr.sh
. "$(dirname "${BASH_SOURCE[0]}")/frr.sh"
# shellcheck source=site.sh
. "$(dirname "${BASH_SOURCE[0]}")/site.sh"
# shellcheck source=gateway.sh
. "$(dirname "${BASH_SOURCE[0]}")/gateway.sh"
# shellcheck source=pki.sh
. "$(dirname "${BASH_SOURCE[0]}")/pki.sh"
# shellcheck source=crowd.sh
. "$(dirname "${BASH_SOURCE[0]}")/crowd.sh"
