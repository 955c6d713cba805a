# shellcheck shell=bash
# strongSwan as a peer in a namespace: own configuration, own vici socket, ESP in user space over a TUN
# (kernel-libipsec), so that no kernel ESP is needed. It carries data UDP-encapsulated only.

LAB_CHARON_PLUGINS="random nonce openssl x509 revocation constraints pubkey pkcs1 pkcs8 pem kdf hmac \
gcm aes sha1 sha2 chapoly curve25519 vici kernel-libipsec kernel-netlink socket-default updown \
eap-identity eap-mschapv2 eap-tls eap-md5 xauth-generic md4 md5"

# A Debian tree with a newer strongSwan is made on demand: scripts/lab tree trixie; LAB_TREES says where.
LAB_TREES=${LAB_TREES:-/var/cache/vpngw-trees}

# lab_tree_make NAME SUITE PACKAGES: with debootstrap, once
lab_tree_make() {
	[ ! -e "$LAB_TREES/$1/.made" ] || return 0
	command -v debootstrap >/dev/null || { lab_fail "no debootstrap (apt-get install debootstrap)"; return 1; }
	rm -rf "${LAB_TREES:?}/$1"
	mkdir -p "$LAB_TREES"
	debootstrap --variant=minbase --include="$3" "$2" "$LAB_TREES/$1" && touch "$LAB_TREES/$1/.made"
}

# The Debian 13 tree of strongSwan 6: says why it is not there.
lab_trixie_missing() {
	[ -e "$LAB_TREES/trixie/.made" ] || echo "no Debian 13 tree below $LAB_TREES (scripts/lab tree makes it)"
}

lab_trixie_make() {
	lab_tree_make trixie trixie charon-systemd,strongswan-swanctl,iproute2,libcharon-extra-plugins,libstrongswan-extra-plugins
}

# Runs a command with the tree as its root, the lab's files where they are: LAB_CHARON_TREE COMMAND...
lab_in_tree() {
	local tree=$1
	shift
	# shellcheck disable=SC2016
	unshare -m sh -c 'tree=$0; dir=$1; shift
		mount --bind /dev "$tree/dev" && mount -t proc proc "$tree/proc" && mkdir -p "$tree$dir" &&
		mount --bind "$dir" "$tree$dir" && exec chroot "$tree" "$@"' "$tree" "$LAB_DIR" "$@"
}

lab_charon_missing() {
	command -v charon-systemd >/dev/null || { echo "no charon-systemd (scripts/setup installs strongSwan)"; return; }
	command -v swanctl >/dev/null || { echo "no swanctl (scripts/setup installs it)"; return; }
	[ -e /usr/lib/ipsec/plugins/libstrongswan-kernel-libipsec.so ] ||
		echo "no kernel-libipsec (scripts/setup installs libcharon-extra-plugins)"
}

lab_charon_dir() {
	printf '%s/%s' "$LAB_DIR" "$1"
}

# lab_charon_start NAME NS [LINES]: LINES go into the charon-systemd section of strongswan.conf. The
# connections are what is in lab_charon_dir NAME/swanctl.conf when lab_charon_load is called.
lab_charon_start() {
	local dir
	dir=$(lab_charon_dir "$1")
	mkdir -p "$dir/x509ca" "$dir/x509" "$dir/private"
	cat >"$dir/strongswan.conf" <<-CONF
		charon-systemd {
			load = $LAB_CHARON_PLUGINS
			install_virtual_ip = yes
			retransmit_tries = 3
			retransmit_timeout = 1.0
			retransmit_base = 1.4
			syslog { daemon { default = -1 } }
			journal { default = -1 }
			filelog { stderr { default = ${LAB_CHARON_LOG:-1} } }
			plugins {
				vici { socket = unix://$dir/vici }
				kernel-libipsec {
					allow_peer_ts = yes
					raw_esp = ${LAB_CHARON_RAW_ESP:-no}
				}
			}
			${3:-}
		}
		swanctl { load = random openssl pem pkcs1 pkcs8 x509 }
	CONF
	# Not the journal's notify socket: the service manager would take it for one of its own.
	if [ -n "${LAB_CHARON_TREE:-}" ]; then
		# shellcheck disable=SC2016
		STRONGSWAN_CONF=$dir/strongswan.conf NOTIFY_SOCKET='' lab_start "$1" "$2" bash -c '. "$0/lab.sh" && . "$0/strongswan.sh" && lab_in_tree "$@"' \
			"$(dirname "${BASH_SOURCE[0]}")" "$LAB_CHARON_TREE" charon-systemd
	else
		STRONGSWAN_CONF=$dir/strongswan.conf NOTIFY_SOCKET='' lab_start "$1" "$2" charon-systemd
	fi
	lab_await 30 test -S "$dir/vici" && return 0
	tail -n 5 "$LAB_DIR/$1.log" >&2
	lab_fail "strongSwan ($1) did not start, see $LAB_DIR/$1.log"
}

# swanctl on the private socket: lab_swanctl NAME ARGUMENTS...
lab_swanctl() {
	local dir
	dir=$(lab_charon_dir "$1")
	shift
	local command=$1
	shift
	STRONGSWAN_CONF=$dir/strongswan.conf SWANCTL_DIR=$dir swanctl "$command" --uri "unix://$dir/vici" "$@"
}

lab_charon_load() {
	local output
	output=$(lab_swanctl "$1" --load-all --noprompt 2>&1) || lab_fail "strongSwan ($1) refuses its configuration: $output"
}

# Writes one site-to-site connection: lab_charon_connection NAME CONNECTION key=value...
# local remote (addresses), local_ts remote_ts (prefixes), psk; local_id remote_id (the addresses unless
# given), ike esp (proposals), dpd (seconds), start (none, start or trap), encap (no: UDP only with a NAT).
lab_charon_connection() {
	local name=$1 connection=$2 pair
	shift 2
	local local=%any remote=%any local_ts=dynamic remote_ts=dynamic psk='' local_id='' remote_id=''
	local ike=aes256gcm16-prfsha384-ecp384 esp=aes256gcm16-ecp384 dpd=2 start=none version=2 encap=yes
	for pair in "$@"; do
		case ${pair%%=*} in
		local | remote | local_ts | remote_ts | psk | local_id | remote_id | ike | esp | dpd | start | version | encap)
			printf -v "${pair%%=*}" '%s' "${pair#*=}"
			;;
		*) lab_fail "lab_charon_connection: unknown key ${pair%%=*}" || return 1 ;;
		esac
	done
	cat >>"$(lab_charon_dir "$name")/swanctl.conf" <<-CONF
		connections {
			$connection {
				version = $version
				local_addrs = $local
				remote_addrs = $remote
				proposals = $ike
				encap = $encap
				dpd_delay = ${dpd}s
				mobike = yes
				local { auth = psk
					id = ${local_id:-$local} }
				remote { auth = psk
					id = ${remote_id:-$remote} }
				children {
					$connection {
						local_ts = $local_ts
						remote_ts = $remote_ts
						esp_proposals = $esp
						start_action = $start
						dpd_action = $([ "$start" = start ] && echo restart || echo clear)
					}
				}
			}
		}
		secrets {
			ike-$connection {
				id-1 = ${local_id:-$local}
				id-2 = ${remote_id:-$remote}
				secret = "$psk"
			}
		}
	CONF
}

# Number of installed children of strongSwan NAME, of the connection $2 or of all.
lab_charon_children() {
	lab_swanctl "$1" --list-sas ${2:+--ike "$2"} 2>/dev/null | grep -c 'INSTALLED, TUNNEL' || true
}

lab_charon_up() {
	[ "$(lab_charon_children "$1" "${2:-}")" -ge "${3:-1}" ]
}
