#!/bin/bash
# Retrains the encoder into runs/$MODEL_RUN/, where rid-encode looks for it by itself.
#
#   scripts/train_encoder.sh --gt gt.json STORE.h5…       any options of rid-train, and its inputs
#
# Environment: MODEL_RUN (metric_pk_v1), PK_P people in a batch (32), PK_K entries of each (4), EPOCHS
# (400). Options given here win. A run that was stopped goes on; one that is complete is refused, unless
# --force is given. Exit codes are rid-train's.
set -eu
run=${MODEL_RUN:-metric_pk_v1}
here=$(cd "$(dirname "$0")/.." && pwd)
case $run in
*/* | .* | '') echo "train_encoder: MODEL_RUN '$run' is not a plain name" >&2; exit 2 ;;
esac
[ $# -gt 0 ] || { sed -n '2,/^set -eu/{/^#/!d;s/^# \{0,1\}//;p}' "$0" >&2; exit 2; }

rid_train=$(command -v rid-train || echo "$here/build/release/bin/rid-train")
[ -x "$rid_train" ] || { echo "train_encoder: no rid-train on PATH or in build/release/bin; run make" >&2; exit 78; }

folder=runs/$run
go_on=()
[ ! -e "$folder/resume.state" ] || [ -e "$folder/model.pt" ] || go_on=(--resume)
mkdir -p runs
exec "$rid_train" --p "${PK_P:-32}" --k "${PK_K:-4}" --epochs "${EPOCHS:-400}" -o "$folder" \
    "${go_on[@]}" "$@"
