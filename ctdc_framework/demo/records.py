"""Fabricated case records, to try everything on: no person, name or case in them exists.

They have the form of raw records for the codebook `ctdc-2021` and its difficulties: values that go
together, a long tail of rare combinations, missing values that follow the contributor, several
missing codes, legacy country codes, and a few records that contradict themselves. Frequencies are
invented; where a published figure inspired one, the constant says which.
"""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    import numpy as np
    import pyarrow as pa
    from numpy.typing import NDArray

# ------------------------------------------------------------------------------------- contributors

CONTRIBUTORS = ("IOM", "Polaris", "Liberty Shared", "A21", "OTSH")
IOM, POLARIS, LIBERTY, A21, OTSH = range(5)

CONTRIBUTOR_SHARE = (0.64, 0.25, 0.07, 0.02, 0.02)
"""Share of the records; the release of 2020 has 74 % case management and 26 % hotline."""

YEARS = ((2002, 2021), (2015, 2021), (2016, 2021), (2012, 2021), (2008, 2021))
"""First and last year: IOM's and Polaris' after the book, Liberty Shared's after earlier releases;
A21's and OTSH's are invented, as the book has none."""

RECORDED = {
    #                IOM  Polaris Liberty A21  OTSH
    "gender":       (0.99, 0.94, 0.99, 0.95, 0.99),
    "age":          (0.66, 0.93, 0.80, 0.70, 0.85),
    "majority":     (0.45, 0.55, 0.40, 0.50, 0.60),
    "citizenship":  (0.99, 0.30, 0.90, 0.80, 0.95),
    "months":       (0.35, 0.10, 0.40, 0.20, 0.30),
    "means":        (0.80, 0.62, 0.75, 0.60, 0.50),
    "purpose":      (0.88, 0.96, 0.90, 0.95, 0.95),
    "type":         (0.80, 0.80, 0.75, 0.60, 0.60),
    "recruiter":    (0.25, 0.60, 0.55, 0.30, 0.20),
}  # fmt: skip
"""Share of a contributor's records in which a thing is on record. Age and citizenship after the
release of 2020, where 34 % of case management has no age and 70 % of the hotline no citizenship."""

MISSING = ("", "NULL", "-99")
LAST_LEGACY_YEAR = 2010
"""How missing is written: IOM's legacy records write -99, Liberty Shared NULL, all others nothing.
IOM's case management system began in 2011."""

GENDERS = ("Female", "Male", "Transgender/NonConforming")
GENDER_SINCE = 2017
"""First year in which IOM records gender, and two of the sexual types; before, only sex."""

# -------------------------------------------------------------------------------------------- flags


def _names(prefix: str, words: str) -> tuple[str, ...]:
    return tuple(prefix + word for word in words.split())


MEANS = _names(
    "meansOfControl",
    "DebtBondage TakesEarnings Threats PsychologicalAbuse PhysicalAbuse SexualAbuse FalsePromises "
    "PsychoactiveSubstances RestrictsMovement RestrictsMedicalCare ExcessiveWorkingHours "
    "ThreatOfLawEnforce WithholdsNecessities WithholdsDocuments RestrictsFinancialAccess "
    "UsesChildren Other",
)
PURPOSES = _names(
    "is", "ForcedLabour SexualExploit OtherExploit ForcedMarriage ForcedMilitary OrganRemoval"
)
LABOUR = _names(
    "typeOfLabour",
    "Agriculture Construction DomesticWork Hospitality Aquafarming Begging IllicitActivities "
    "Manufacturing MiningOrDrilling Peddling Transportation Forestry Other",
)
SEX = _names(
    "typeOfSex", "Prostitution Pornography RemoteInteractiveServices PrivateSexualServices"
)
RECRUITERS = _names(
    "recruiterRelation",
    "IntimatePartner Friend Family Other Broker Contractor Employer Smuggler",
)
FLAGS = (*MEANS, *PURPOSES, *LABOUR, *SEX, *RECRUITERS)

ONLY_COLLECTED_BY = {
    "isForcedMarriage": (IOM, LIBERTY),
    "isForcedMilitary": (IOM,),
    "isOrganRemoval": (IOM,),
    "isOtherExploit": (IOM, LIBERTY, A21, OTSH),
    "typeOfSexPornography": (POLARIS,),
    "typeOfSexRemoteInteractiveServices": (IOM,),
    "typeOfSexPrivateSexualServices": (IOM,),
    **dict.fromkeys(RECRUITERS[4:], (LIBERTY,)),
}
"""Flags that not all contributors collect. The book says so of other exploitation (not Polaris) and
of recruiters (Liberty Shared has more); for the rest, earlier releases tell how many do."""

# --------------------------------------------------------------------------------- the cases' world

MEANS_OF = {
    "hard": "FalsePromises TakesEarnings ExcessiveWorkingHours WithholdsDocuments",
    "sexual": "PsychologicalAbuse PhysicalAbuse Threats TakesEarnings RestrictsMovement",
    "child": "PhysicalAbuse Threats TakesEarnings WithholdsNecessities",
    "Substances": "PsychoactiveSubstances",
}
"""Means of control that go together, as KINDS calls them."""

KINDS = """
farm  | ForcedLabour | Agriculture       | hard DebtBondage       | Contractor Broker | .30 33 8
build | ForcedLabour | Construction      | hard RestrictsMovement | Friend Broker     | .03 32 7
house | ForcedLabour | DomesticWork      | hard RestrictsMovement | Broker Family     | .95 28 18
hotel | ForcedLabour | Hospitality       | hard Threats           | Employer Friend   | .55 29 9
fish  | ForcedLabour | Aquafarming       | hard PhysicalAbuse     | Broker Smuggler   | .04 28 26
beg   | ForcedLabour | Begging           | child UsesChildren     | Family            | .45 13 20
sell  | ForcedLabour | Peddling          | child FalsePromises    | Family Friend     | .40 19 8
crime | ForcedLabour | IllicitActivities | child                  | Friend Family     | .25 17 8
plant | ForcedLabour | Manufacturing     | hard RestrictsMovement | Broker Employer   | .50 27 14
mine  | ForcedLabour | MiningOrDrilling  | hard DebtBondage       | Contractor Friend | .05 29 10
drive | ForcedLabour | Transportation    | hard                   | Employer          | .05 35 9
wood  | ForcedLabour | Forestry          | hard DebtBondage       | Contractor Other  | .05 33 8
work  | ForcedLabour | Other             | hard                   | Other Friend      | .30 31 9
sex   | SexualExploit | Prostitution     | sexual                 | Partner Friend    | .96 22 14
drugs | SexualExploit | Prostitution     | sexual Substances      | Partner           | .93 24 20
film  | SexualExploit | Pornography      | sexual SexualAbuse     | Partner Family    | .88 19 16
web   | SexualExploit | RemoteInteractiveServices | child FalsePromises | Family      | .80 14 22
home  | SexualExploit | PrivateSexualServices | sexual SexualAbuse | Family Other     | .95 20 24
both  | ForcedLabour SexualExploit | DomesticWork Prostitution | sexual | Smuggler    | .90 24 16
marry | OtherExploit ForcedMarriage |    | RestrictsMovement      | Broker Family     | .99 21 22
war   | OtherExploit ForcedMilitary |    | child Substances       | Other             | .15 15 18
organ | OrganRemoval |                   | FalsePromises Threats  | Other Friend      | .30 30 3
"""
"""Kinds of exploitation: purposes, types, usual means of control, who recruits, share of females,
mean age, mean months: invented."""

CORRIDORS = {
    "IOM": """
UKR POL farm 8   UKR RUS build 9  UKR RUS sex 5    UKR TUR sex 3    MDA RUS build 8  MDA TUR sex 6
MDA UKR beg 3    BLR RUS build 6  BLR POL sex 2    KGZ KAZ farm 6   UZB KAZ farm 6   UZB RUS build 5
TJK RUS build 5  IDN MYS house 9  IDN SAU house 7  IDN IDN fish 6   KHM THA fish 7   MMR THA fish 6
MMR IDN fish 4   LAO THA hotel 3  VNM CHN marry 3  VNM MYS sex 2    PHL MYS sex 6    PHL SAU house 6
PHL PHL web 5    BGD IND sex 4    BGD LBN house 3  NPL QAT build 3  ETH SAU house 5  ETH SDN house 4
MDG KWT house 3  GHA GHA fish 4   SLE KWT house 3  NGA ITA sex 5    NGA LBY both 3   HTI DOM beg 4
BOL ARG plant 3  PRY ARG sex 2    COL COL war 3    UGA SSD war 2    ROU ITA sex 3    BGR DEU sex 3
ALB GRC beg 2    XKX ALB sex 2    SRB RUS mine 2   MDA ISR organ 1  KHM MYS wood 2   KAZ KAZ sell 2
UKR UKR home 3   GEO TUR drive 1  SEN SEN beg 3    ZWE ZAF work 2
""",
    "Polaris": """
USA USA sex 22   USA USA drugs 14 USA USA film 6   USA USA sell 3   USA USA crime 2  MEX USA sex 8
MEX USA farm 8   GTM USA farm 3   HND USA work 3   CHN USA hotel 6  PHL USA house 4  JAM USA hotel 3
KOR USA sex 2    ZAF USA farm 2   CHN USA sex 5
""",
    "Liberty Shared": """
KHM KHM sex 5    NPL IND sex 4    IND IND plant 4  IDN HKG house 5  PHL HKG house 4  MMR THA plant 4
THA ISR farm 2   MMR THA fish 3   PHL MYS both 1
""",
    "A21": "BGR GRC sex 4 THA THA sex 3 ALB GRC sex 2",
    "OTSH": "ROU PRT farm 3 NPL PRT farm 3 BRA PRT sex 3",
}
"""By contributor: citizenship, country of exploitation, kind of exploitation, weight: invented."""

VARIANTS, STEEPNESS, YEAR_SPREAD, AGE_SPREAD = 3, 1.6, 0.9, 2.0
"""Profiles that each corridor splits into, how much more common ones outweigh rare ones, and how
far records lie from their profile. Chosen so that of 10,000 records some 45 % share year, gender,
age band and citizenship with fewer than nine others; of CTDC's own, k-anonymity withheld 40 %."""

PROFILE_SEED = 2021
"""Fixes the profiles, so that every seed of the caller draws other cases from the same world."""

CORE, EXTRA, STRAY = 0.85, 0.45, 0.004
"""How often a record holds a means of control that is its profile's, the profile's one unusual
means, and any other."""

TAIL = """
AFG ARM AZE BDI BEN BRA CHL CIV CMR COD CRI CUB DZA ECU EGY ERI FRA GBR GIN GMB HUN IRN IRQ JOR
KEN LKA LVA MAR MLI MNG MOZ NER NIC PAK PER POL RWA SLV SOM SYR TUN TZA Tibet
"""
TAIL_SHARE = 0.05
"""Countries that have no profile, and the share of records whose citizenship is one of them."""

KOSOVO = ("XKX", "RKS", "Y1", "Kosovo")
"""How records write Kosovo, which has no code in the standard."""

SEVERAL_CITIZENSHIPS = 0.12
"""Share of Polaris' citizenships that name a second one."""

SLIPS = 0.08, 0.008
"""Share of minors written as adults, and of labour and sexual types left without their purpose; in
the release of 2020, 1 % of records have a labour type and no forced labour."""

SYLLABLES = "bax ceq dov fip guz hyl jor kem lux miv nox pyr quo riz sug tev vun xan zog"
"""Names are two words of three of these: plainly invented, and in no other column."""


class _Profiles(NamedTuple):
    """The world's profiles, one entry each; countries are indexes into `_countries()`."""

    weight: NDArray[np.float64]
    contributor: NDArray[np.int64]
    citizenship: NDArray[np.int64]
    exploited_in: NDArray[np.int64]
    gender: NDArray[np.int64]
    age: NDArray[np.float64]
    months: NDArray[np.float64]
    year: NDArray[np.float64]
    flags: NDArray[np.float32]


def fabricate_cases(rows: int, rng: np.random.Generator) -> pa.Table:
    """Make raw case records for `ctdc-2021`, every column a string.

    The same state of the generator gives the same table. Flags are `1` or blank.

    >>> import numpy as np
    >>> fabricate_cases(5, np.random.default_rng(1))["isForcedLabour"].type
    DataType(string)
    """
    import numpy as np
    import pyarrow as pa

    world = _profiles()
    profile = rng.choice(len(world.weight), size=rows, p=world.weight)
    contributor = world.contributor[profile]
    years = np.array(YEARS)[contributor]
    year = np.rint(rng.normal(world.year[profile], YEAR_SPREAD)).astype(int)
    year = year.clip(years[:, 0], years[:, 1])
    known = {what: rng.random(rows) < np.array(by)[contributor] for what, by in RECORDED.items()}
    iom = contributor == IOM
    blank = np.where(contributor == LIBERTY, 1, np.where(iom & (year <= LAST_LEGACY_YEAR), 2, 0))

    gender = world.gender[profile]
    gender = np.where((gender == 2) & iom & (year < GENDER_SINCE), 0, gender)
    age = np.rint(rng.normal(world.age[profile], AGE_SPREAD)).astype(int).clip(1, 78)
    months = np.rint(rng.gamma(1.5, world.months[profile] / 1.5)).astype(int)
    months = np.minimum(months, 12 * age - 6)
    adult = age - months / 12 >= 18
    adult |= (age < 18) & (rng.random(rows) < SLIPS[0])
    numbers = [str(n) for n in range(YEARS[IOM][1] + 1)]
    return pa.table(
        {
            **_identities(year, rng),
            "contributor": _texts(CONTRIBUTORS, contributor),
            "yearOfRegistration": _texts(numbers, year),
            "gender": _texts(GENDERS, gender, known["gender"], blank),
            "age": _texts(numbers, age, known["age"], blank),
            "majorityStatusAtExploit": _texts(
                ("Minor", "Adult"), adult.astype(int), known["majority"], blank
            ),
            **_places(world, profile, known["citizenship"], blank, rng),
            "monthsTrafficked": _texts(numbers, months, known["months"], blank),
            **_flags(world, profile, year, known, rng),
        }
    )


def _texts(values: Any, codes: Any, known: Any = True, blank: Any = 0) -> pa.Array:
    """Give each record the value its code points to, or a missing code where not known."""
    import numpy as np
    import pyarrow as pa

    codes = np.where(known, codes, len(values) + blank)
    return pa.array([*values, *MISSING]).take(pa.array(codes.astype(np.int32)))


def _identities(year: Any, rng: np.random.Generator) -> dict[str, Any]:
    """Case numbers and names, each of them once."""
    import pyarrow as pa
    import pyarrow.compute as pc

    numbers = rng.permutation(len(year)) + 1
    cases = [f"C-{y}-{n:06d}" for y, n in zip(year.tolist(), numbers.tolist(), strict=True)]
    parts = SYLLABLES.split()
    words = [(a + b + c).capitalize() for a in parts for b in parts for c in parts]
    pairs = rng.choice(len(words) ** 2, size=len(year), replace=False)
    first, last = (_texts(words, half) for half in divmod(pairs, len(words)))
    return {"caseNumber": pa.array(cases), "name": pc.binary_join_element_wise(first, last, " ")}


def _places(
    world: _Profiles, profile: Any, known: Any, blank: Any, rng: np.random.Generator
) -> dict[str, Any]:
    """Where a person is from and where the exploitation was, as each contributor records it."""
    import numpy as np
    import pyarrow.compute as pc

    countries, rows = _countries(), len(profile)
    who = world.contributor[profile]
    origin, place = world.citizenship[profile], world.exploited_in[profile]
    tail = np.array([countries.index(code) for code in TAIL.split()])
    origin = np.where(rng.random(rows) < TAIL_SHARE, rng.choice(tail, rows), origin)
    place = np.where(rng.random(rows) < TAIL_SHARE / 3, rng.choice(tail, rows), place)
    kosovo = np.array([countries.index(code) for code in KOSOVO])
    origin = np.where(origin == kosovo[0], rng.choice(kosovo, rows), origin)

    iom, liberty = who == IOM, who == LIBERTY
    citizenship = _texts(countries, origin, known & ~liberty, np.where(liberty, 0, blank))
    second = _texts(countries, np.where(rng.random(rows) < 0.5, place, rng.choice(tail, rows)))
    several = (who == POLARIS) & known & (rng.random(rows) < SEVERAL_CITIZENSHIPS)
    both = pc.binary_join_element_wise(citizenship, second, ";")

    # IOM meets people where they were exploited or back at home, and seldom knows the first.
    met = np.where(rng.random(rows) < 0.3, origin, place)
    return {
        "citizenships": pc.if_else(several, both, citizenship),
        "countryOfOrigin": _texts(countries, origin, known & liberty, np.where(liberty, blank, 0)),
        "lastCountryOfExploitation": _texts(
            countries, place, rng.random(rows) < np.where(iom, 0.4, 0.97)
        ),
        "countryOfScreeningInterview": _texts(countries, met, iom & (rng.random(rows) < 0.6)),
        "countryAtRegistration": _texts(countries, met, iom & (rng.random(rows) < 0.7)),
        "countryOfIomMission": _texts(countries, met, iom & (rng.random(rows) < 0.95)),
    }


def _flags(
    world: _Profiles, profile: Any, year: Any, known: Any, rng: np.random.Generator
) -> dict[str, Any]:
    """Every flag, 1 or blank: a draw from the profile, less what was not recorded."""
    import numpy as np

    who = world.contributor[profile]
    collected = np.ones((len(CONTRIBUTORS), len(FLAGS)), dtype=bool)
    for name, by in ONLY_COLLECTED_BY.items():
        collected[:, FLAGS.index(name)] = [one in by for one in range(len(CONTRIBUTORS))]
    hits = rng.random((len(profile), len(FLAGS)), dtype=np.float32) < world.flags[profile]
    hits &= collected[who]
    before = (who == IOM) & (year < GENDER_SINCE)
    hits[np.ix_(before, [FLAGS.index(name) for name in SEX[2:]])] = False

    typed = known["purpose"] & known["type"]
    slip = typed & (rng.random(len(profile)) < SLIPS[1])
    shown = (
        (MEANS, known["means"]),
        (PURPOSES, known["purpose"] & ~slip),
        (LABOUR + SEX, typed),
        (RECRUITERS, known["recruiter"]),
    )
    for names, mask in shown:
        start = FLAGS.index(names[0])
        hits[:, start : start + len(names)] &= mask[:, None]
    return {name: _texts(("", "1"), hits[:, at].astype(int)) for at, name in enumerate(FLAGS)}


@lru_cache(maxsize=1)
def _countries() -> list[str]:
    """Every text that a country column may hold."""
    named = {country for _, *places, _, _ in _corridors() for country in places}
    return sorted({*named, *TAIL.split(), *KOSOVO})


def _corridors() -> list[list[str]]:
    """Contributor, citizenship, country of exploitation, kind, weight."""
    listed = [(name, text.split()) for name, text in CORRIDORS.items()]
    return [[name, *w[at : at + 4]] for name, w in listed for at in range(0, len(w), 4)]


@lru_cache(maxsize=1)
def _profiles() -> _Profiles:
    """Split each corridor into profiles: a gender, an age, a time, and means that go together."""
    import numpy as np

    rng = np.random.default_rng(PROFILE_SEED)
    lines = [[cell.split() for cell in line.split("|")] for line in KINDS.strip().splitlines()]
    kinds = {name: rest for (name,), *rest in lines}
    made: list[tuple[Any, ...]] = []
    for by, origin, place, name, weight in _corridors():
        who = CONTRIBUTORS.index(by)
        first, last = (GENDER_SINCE, 2021) if name in ("web", "home") else YEARS[who]
        purposes, types, means, recruiters, numbers = kinds[name]
        female, age, months = map(float, numbers)
        usual = [one for word in means for one in MEANS_OF.get(word, word).split()]
        for variant in range(VARIANTS):
            chance = dict.fromkeys(FLAGS, 0.0) | dict.fromkeys(MEANS, STRAY)
            chance[str(rng.choice(MEANS))] = EXTRA
            chance.update(("meansOfControl" + one, CORE) for one in usual if rng.random() < 0.75)
            chance.update(("is" + one, 1.0) for one in purposes)
            types_of = [prefix + one for prefix in ("typeOfLabour", "typeOfSex") for one in types]
            chance.update((flag, 0.9) for flag in types_of if flag in FLAGS)
            recruiter = str(rng.choice(recruiters)).replace("Partner", "IntimatePartner")
            if who not in ONLY_COLLECTED_BY.get("recruiterRelation" + recruiter, (who,)):
                recruiter = "Other"
            chance["recruiterRelation" + recruiter] = 0.9
            made.append(
                (
                    (float(weight) / (variant + 1)) ** STEEPNESS,
                    who,
                    _countries().index(origin),
                    _countries().index(place),
                    2 if rng.random() < 0.02 else int(rng.random() >= female),
                    max(5.0, rng.normal(age, age / 6)),
                    months * rng.uniform(0.6, 1.6),
                    rng.triangular(first, last - 3, last),
                    np.array([chance[flag] for flag in FLAGS], dtype=np.float32),
                )
            )
    columns = [np.array(column) for column in zip(*made, strict=True)]
    total = np.bincount(columns[1], weights=columns[0])  # by contributor
    share = np.array(CONTRIBUTOR_SHARE)[columns[1]]
    return _Profiles(columns[0] / total[columns[1]] * share, *columns[1:])
