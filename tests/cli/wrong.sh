# SPDX-License-Identifier: Apache-2.0
# Files that people take for a checkpoint: one line says what each is, and names it.
. "$TSM_LIB"

pytorch=$TSM_DATA/pytorch
bad=$work/bad.pth

# says TEXT: of the file that was just made.
says() {
    refuses "tsm: $bad: " info "$bad"
    expect_line "$1"
}

# made TEXT FORMAT: a file that printf makes, with a kilobyte behind it so that its length gives nothing away.
made() {
    { printf "$2"; head -c 1000 /dev/zero; } >"$bad"
    says "$1"
}

# legacy TEXT FORMAT: a stream as PyTorch wrote it, whose object is the pickle that printf makes.
legacy() {
    {
        printf '\200\002\212\012\154\374\234\106\371\040\152\250\120\031.\200\002M\351\003.\200\002}.'
        printf "\\200\\002$2.\\200\\002]."
    } >"$bad"
    says "$1"
}

# tensors NAME...: a safetensors file of tensors of no elements.
tensors() {
    header=
    for name; do header="$header,\"$name\":{\"dtype\":\"F32\",\"shape\":[0],\"data_offsets\":[0,0]}"; done
    header="{${header#,}}"
    printf "$(printf '\\%03o\\%03o' $((${#header} % 256)) $((${#header} / 256)))\\0\\0\\0\\0\\0\\0%s" "$header" >"$bad"
}

# ---- downloads that are something else
printf '<!DOCTYPE html>\n<html><head><title>Virus scan warning</title></head></html>\n' >"$bad"
says "is an HTML or XML page, not a checkpoint"
printf '\n\n  <html lang="en"><body>Sign in</body></html>' >"$bad"
says "is an HTML or XML page"
printf '<?xml version="1.0"?><Error><Code>AccessDenied</Code></Error>' >"$bad"
says "is an HTML or XML page"
printf '{"error":{"code":404,"message":"Not Found"}}' >"$bad"
says "is text, not a checkpoint"
printf 'version https://git-lfs.github.com/spec/v1\noid sha256:4665a5ea423c2713d436b5ee50593a\nsize 97570000\n' >"$bad"
says "is a Git LFS pointer"
: >"$bad"
says "is empty"
made "is neither a safetensors nor a PyTorch checkpoint" '\001\002'
made "is a PNG image, not a checkpoint" '\211PNG\r\n\032\n\000\000\000\015IHDR'
made "is a JPEG image" '\377\330\377\340'
made "is a PDF document" '%%PDF-1.7'
made "is an MP4 video" '\000\000\000\040ftypisom'
made "is a program or shared library (ELF)" '\177ELF\002'

# ---- archives, and what other programs keep their weights in
made "is a gzip archive" '\037\213\010\000'
made "is a bzip2 archive" 'BZh91AY'
made "is an xz archive" '\3757zXZ\000'
made "is a zstd archive" '\050\265\057\375'
made "is a 7z archive" '7z\274\257\047\034'
made "is a RAR archive" 'Rar!\032\007\000'
{ printf 'tensors'; head -c 250 /dev/zero; printf 'ustar'; head -c 762 /dev/zero; } >"$bad"
says "is a tar archive (as PyTorch before 0.1.10 wrote, which is not read)"
made "is an HDF5 file (as Keras writes them)" '\211HDF\r\n\032\n'
made "is a NumPy array (.npy)" '\223NUMPY\001\000'
made "is a TensorFlow Lite model" '\034\000\000\000TFL3'
made "is a GGUF file" 'GGUF\003'
for protocol in 2 3 4 5; do made "is a Python pickle that PyTorch did not write, and holds no NumPy arrays under names" "\\200\\00$protocol}q\\000."; done
# An archive of one empty file, conv.npy: local header, central directory, end.
{
    printf 'PK\003\004\024\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\010\0\0\0conv.npy'
    printf 'PK\001\002\024\0\024\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\010\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0conv.npy'
    printf 'PK\005\006\0\0\0\0\001\0\001\0\066\0\0\0\046\0\0\0\0\0'
} >"$bad"
says "is a zip archive without a data.pkl: no PyTorch checkpoint; it begins with conv.npy"
cp "$pytorch/script.zip.pth" "$bad"
says "is a TorchScript program, not a checkpoint"

# ---- PyTorch's files that hold no network, or not where it is looked for
for container in zip legacy; do
    cp "$pytorch/optimizer.$container.pth" "$bad"
    says "is a PyTorch file with the state of an optimizer, but holds no tensors in a state_dict"
    cp "$pytorch/whole_model.$container.pth" "$bad"
    says "holds no dictionary: a whole model or another object was saved"
    cp "$pytorch/list.$container.pth" "$bad"
    says "holds no dictionary"
    # The name of as many letters that a detection model would have there.
    sed 's/module\.base_model\./roi_heads.box_pre./' "$pytorch/network.$container.pth" >"$bad"
    says "holds a detection model, which is not read here (roi_heads.box_pre."
    sed 's/module\.base_model\./model.24.m.anchor./' "$pytorch/network.$container.pth" >"$bad"
    says "holds a detection model, which is not read here (model.24.m.anchor."
done
# {"epoch": 3, "optimizer": {"param_groups": []}}, {0: {"momentum_buffer": None}}, {"model": Bar()}, {}
legacy "with the state of an optimizer" '}(U\005epochK\003U\011optimizer}U\014param_groups]su'
legacy "with the state of an optimizer" '}K\0}U\017momentum_bufferNss'
legacy 'but holds no tensors in a state_dict: a whole model was saved, as "model"' '}U\005modelcfoo\nBar\n)\201s'
legacy "is a PyTorch file, but holds no tensors in a state_dict" '}'

# ---- the networks of others, by their names
for name in backbone.fpn.inner_blocks.0.0.weight rpn.head.conv.0.0.weight roi_heads.box_head.fc6.weight \
    neck.lateral_convs.0.conv.weight rpn_head.rpn_conv.weight roi_head.bbox_head.fc_cls.weight bbox_embed.layers.0.bias \
    head.regression_head.conv.0.bias model.24.anchors model.22.dfl.conv.weight head.obj_preds.0.weight; do
    tensors backbone.conv1.weight backbone.layer1.0.conv1.weight "$name"
    says "holds a detection model, which is not read here ($name)"
done
for name in state.0.exp_avg optimizer.state.12.momentum_buffer; do
    tensors "$name"
    says "holds the state of an optimizer, which is not read here ($name)"
done
tensors cls_token blocks.0.attn.qkv.weight
says "holds a transformer, which is not read here"
tensors module.base_model.conv1_7x7_s2.weight module.base_model.inception_3a_1x1.weight
says "holds BNInception, which is not read here"
tensors encoder.weight decoder.weight
says "none of its 2 tensors has a name that a release of TSM gives"

# ---- downloads that were cut off
for file in "$pytorch/network.zip.pth" "$pytorch/network.legacy.pth" "$model"; do
    size=$(bytes_of "$file")
    for length in 40 400 4000 $((size / 3)) $((size / 2)) $((size - 1000)) $((size - 1)); do
        head -c "$length" "$file" >"$bad"
        says "is "
        expect_line truncated
    done
done

# Other commands say the same.
head -c 5000 "$pytorch/network.zip.pth" >"$bad"
refuses "tsm: $bad: is a damaged or truncated PyTorch archive" convert "$bad" "$work/made"
refuses "tsm: $bad: is a damaged or truncated PyTorch archive" classify "$clip" --model "$bad"
refuses "tsm: $bad: is a damaged or truncated PyTorch archive" preprocess "$clip" --model "$bad" --output "$work/made"
npy "$work/x.npy" '|u1' '(1, 8, 32, 32, 3)' 24576
refuses "tsm: $bad: is a damaged or truncated PyTorch archive" run --model "$bad" --input "$work/x.npy" --output "$work/made"
check "a refused file left an output" test ! -e "$work/made"

# ---- work that is cut short
npy "$work/long.npy" '|u1' '(200, 8, 112, 112, 3)' 60211200
refuses "$work/long.npy: cancelled" run --model "$model" --device reference --input "$work/long.npy" --output "$work/made" \
    --timeout 1
check "a run that was cut short left an output" test ! -e "$work/made"
finish
