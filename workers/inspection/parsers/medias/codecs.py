"""The codecs that may be in a sound or a video, by FFmpeg's names (`ffmpeg -codecs`).

A list of what people have, since FFmpeg knows those of hundreds of old games and broadcasts. A codec that is not among
them is `unsupported`.
"""

VIDEO = frozenset({
    "h264", "hevc", "vvc", "av1", "vp8", "vp9", "vp6", "vp6f", "vp6a", "aic", "theora", "mpeg4", "msmpeg4v1",
    "msmpeg4v2", "msmpeg4v3", "h261", "h263", "h263p", "h263i", "flv1", "flashsv", "flashsv2", "mpeg1video",
    "mpeg2video", "mjpeg", "mjpegb", "ljpeg", "prores", "prores_raw", "dnxhd", "cfhd", "apv", "dvvideo", "vc1", "wmv1",
    "wmv2", "wmv3", "qtrle", "rpza", "svq1", "svq3", "cinepak", "indeo3", "indeo5", "msvideo1", "msrle",
    "rawvideo", "v210", "v308", "v408", "v410", "yuv4", "r210", "ffv1", "huffyuv", "ffvhuff", "utvideo",
    "magicyuv", "lagarith", "hap", "dirac", "8bps", "smc", "tscc", "tscc2", "png", "apng", "bmp", "gif", "webp",
    "tiff", "jpeg2000", "jpegls",
})  # fmt: skip
AUDIO = frozenset({
    "aac", "aac_latm", "usac", "mp3", "mp3adu", "mp2", "mp1", "ac3", "eac3", "ac4", "dts", "truehd", "mlp",
    "opus", "vorbis", "speex", "flac", "alac", "wavpack", "tta", "ape", "mp4als", "amr_nb", "amr_wb", "evrc",
    "qcelp", "gsm", "gsm_ms", "ilbc", "nellymoser", "wmav1", "wmav2", "wmapro", "wmalossless", "qdm2", "qdmc",
    "mace3", "mace6", "atrac3", "atrac3p", "mpegh_3d_audio", "iamf", "truespeech",
})  # fmt: skip
AUDIO_FAMILIES = ("pcm_", "adpcm_", "g72")
SUBTITLES = frozenset({
    "mov_text", "text", "subrip", "ass", "webvtt", "ttml", "dvd_subtitle", "dvb_subtitle", "dvb_teletext",
    "hdmv_pgs_subtitle", "hdmv_text_subtitle", "xsub", "eia_608",
})  # fmt: skip


def is_known(kind: str, codec: str) -> bool:
    """Whether a stream of sound, video or subtitles (`kind` is FFmpeg's) has a codec of the lists."""
    if kind == "video":
        return codec in VIDEO
    if kind == "audio":
        return codec in AUDIO or codec.startswith(AUDIO_FAMILIES)
    return kind == "subtitle" and codec in SUBTITLES
