"""Languages as old containers write them: three letters."""

from __future__ import annotations

UNKNOWN = "und"

_CODES = """
    af=afr am=amh ar=ara as=asm az=aze ba=bak be=bel bg=bul bn=ben bs=bos ca=cat cs=ces
    cy=cym da=dan de=deu el=ell en=eng eo=epo es=spa et=est eu=eus fa=fas fi=fin fr=fra
    ga=gle gd=gla gl=glg gu=guj he=heb hi=hin hr=hrv ht=hat hu=hun hy=hye ia=ina id=ind
    is=isl it=ita ja=jpn jv=jav ka=kat kk=kaz kl=kal km=khm kn=kan ko=kor ku=kur ky=kir
    la=lat lb=ltz lo=lao lt=lit lv=lav mi=mri mk=mkd ml=mal mn=mon mr=mar ms=msa mt=mlt
    my=mya nb=nob ne=nep nl=nld nn=nno no=nor oc=oci om=orm or=ori pa=pan pl=pol ps=pus
    pt=por qu=que ro=ron ru=rus rw=kin sd=snd si=sin sk=slk sl=slv so=som sq=sqi sr=srp
    sv=swe sw=swa ta=tam te=tel tg=tgk th=tha tk=tuk tl=tgl tn=tsn tr=tur tt=tat ug=uig
    uk=ukr ur=urd uz=uzb vi=vie wo=wol xh=xho yi=yid yo=yor yue=zho zh=zho zu=zul
"""
_OF_TWO_LETTERS = dict(pair.split("=") for pair in _CODES.split())


def iso_639_2(tag: str) -> str:
    """Return the three letters of a language, without its region; "und" where there are none.

    Args:
        tag: BCP 47.

    Source: ISO 639-2, the terminological codes.
    """
    language = tag.replace("_", "-").split("-", maxsplit=1)[0].lower()
    is_one_already = len(language) == 3 and language.isascii() and language.isalpha()
    return _OF_TWO_LETTERS.get(language) or (language if is_one_already else UNKNOWN)
