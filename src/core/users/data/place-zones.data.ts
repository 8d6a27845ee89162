// Written by tools/zones/generate-zone-data.py; do not edit.
// From the IANA tables of tzdata 2026.6 (public domain) and 49 CFR part 71.

/**
 * Time zones, then the ISO 3166 codes of places that lie in all of them together.
 */
export const PLACE_ZONES = `
Africa/Abidjan: CI
Africa/Accra: GH
Africa/Addis_Ababa: ET
Africa/Algiers: DZ
Africa/Asmara: ER
Africa/Bamako: ML
Africa/Bangui: CF
Africa/Banjul: GM
Africa/Bissau: GW
Africa/Blantyre: MW
Africa/Brazzaville: CG
Africa/Bujumbura: BI
Africa/Cairo: EG
Africa/Casablanca: MA
Africa/Ceuta Atlantic/Canary Europe/Madrid: ES
Africa/Conakry: GN
Africa/Dakar: SN
Africa/Dar_es_Salaam: TZ
Africa/Djibouti: DJ
Africa/Douala: CM
Africa/El_Aaiun: EH
Africa/Freetown: SL
Africa/Gaborone: BW
Africa/Harare: ZW
Africa/Johannesburg: ZA
Africa/Juba: SS
Africa/Kampala: UG
Africa/Khartoum: SD
Africa/Kigali: RW
Africa/Kinshasa Africa/Lubumbashi: CD
Africa/Lagos: NG
Africa/Libreville: GA
Africa/Lome: TG
Africa/Luanda: AO
Africa/Lusaka: ZM
Africa/Malabo: GQ
Africa/Maputo: MZ
Africa/Maseru: LS
Africa/Mbabane: SZ
Africa/Mogadishu: SO
Africa/Monrovia: LR
Africa/Nairobi: KE
Africa/Ndjamena: TD
Africa/Niamey: NE
Africa/Nouakchott: MR
Africa/Ouagadougou: BF
Africa/Porto-Novo: BJ
Africa/Sao_Tome: ST
Africa/Tripoli: LY
Africa/Tunis: TN
Africa/Windhoek: NA
America/Adak America/Anchorage America/Boise America/Chicago America/Denver America/Detroit America/Indiana/Indianapolis America/Indiana/Knox America/Indiana/Marengo America/Indiana/Petersburg America/Indiana/Tell_City America/Indiana/Vevay America/Indiana/Vincennes America/Indiana/Winamac America/Juneau America/Kentucky/Louisville America/Kentucky/Monticello America/Los_Angeles America/Menominee America/Metlakatla America/New_York America/Nome America/North_Dakota/Beulah America/North_Dakota/Center America/North_Dakota/New_Salem America/Phoenix America/Sitka America/Yakutat Pacific/Honolulu: US
America/Adak America/Anchorage America/Metlakatla: US-AK
America/Anguilla: AI
America/Antigua: AG
America/Araguaina America/Bahia America/Belem America/Boa_Vista America/Campo_Grande America/Cuiaba America/Eirunepe America/Fortaleza America/Maceio America/Manaus America/Noronha America/Porto_Velho America/Recife America/Rio_Branco America/Santarem America/Sao_Paulo: BR
America/Argentina/Buenos_Aires America/Argentina/Catamarca America/Argentina/Cordoba America/Argentina/Jujuy America/Argentina/La_Rioja America/Argentina/Mendoza America/Argentina/Rio_Gallegos America/Argentina/Salta America/Argentina/San_Juan America/Argentina/San_Luis America/Argentina/Tucuman America/Argentina/Ushuaia: AR
America/Aruba: AW
America/Asuncion: PY
America/Atikokan America/Blanc-Sablon America/Cambridge_Bay America/Creston America/Dawson America/Dawson_Creek America/Edmonton America/Fort_Nelson America/Glace_Bay America/Goose_Bay America/Halifax America/Inuvik America/Iqaluit America/Moncton America/Rankin_Inlet America/Regina America/Resolute America/St_Johns America/Swift_Current America/Toronto America/Vancouver America/Whitehorse America/Winnipeg: CA
America/Bahia_Banderas America/Cancun America/Chihuahua America/Ciudad_Juarez America/Hermosillo America/Matamoros America/Mazatlan America/Merida America/Mexico_City America/Monterrey America/Ojinaga America/Tijuana: MX
America/Barbados: BB
America/Belize: BZ
America/Bogota: CO
America/Boise America/Los_Angeles: US-ID US-OR
America/Caracas: VE
America/Cayenne: GF
America/Cayman: KY
America/Chicago: US-AL US-AR US-IA US-IL US-LA US-MN US-MO US-MS US-OK US-WI
America/Chicago America/Denver: US-KS US-ND US-NE US-SD US-TX
America/Chicago America/Indiana/Indianapolis America/New_York: US-IN
America/Chicago America/Kentucky/Louisville America/Kentucky/Monticello America/New_York: US-KY
America/Chicago America/New_York: US-FL US-TN
America/Costa_Rica: CR
America/Coyhaique America/Punta_Arenas America/Santiago Pacific/Easter: CL
America/Curacao: CW
America/Danmarkshavn America/Nuuk America/Scoresbysund America/Thule: GL
America/Denver: US-CO US-MT US-NM US-UT US-WY
America/Denver America/Los_Angeles: US-NV
America/Denver America/Phoenix: US-AZ
America/Detroit America/Menominee: US-MI
America/Dominica: DM
America/El_Salvador: SV
America/Grand_Turk: TC
America/Grenada: GD
America/Guadeloupe: GP
America/Guatemala: GT
America/Guayaquil Pacific/Galapagos: EC
America/Guyana: GY
America/Havana: CU
America/Jamaica: JM
America/Kralendijk: BQ
America/La_Paz: BO
America/Lima: PE
America/Los_Angeles: US-CA US-WA
America/Lower_Princes: SX
America/Managua: NI
America/Marigot: MF
America/Martinique: MQ
America/Miquelon: PM
America/Montevideo: UY
America/Montserrat: MS
America/Nassau: BS
America/New_York: US-CT US-DC US-DE US-GA US-MA US-MD US-ME US-NC US-NH US-NJ US-NY US-OH US-PA US-RI US-SC US-VA US-VT US-WV
America/Panama: PA
America/Paramaribo: SR
America/Port-au-Prince: HT
America/Port_of_Spain: TT
America/Puerto_Rico: PR US-PR
America/Santo_Domingo: DO
America/St_Barthelemy: BL
America/St_Kitts: KN
America/St_Lucia: LC
America/St_Thomas: US-VI VI
America/St_Vincent: VC
America/Tegucigalpa: HN
America/Tortola: VG
Antarctica/Casey Antarctica/Davis Antarctica/DumontDUrville Antarctica/Mawson Antarctica/McMurdo Antarctica/Palmer Antarctica/Rothera Antarctica/Syowa Antarctica/Troll Antarctica/Vostok: AQ
Antarctica/Macquarie Australia/Adelaide Australia/Brisbane Australia/Broken_Hill Australia/Darwin Australia/Eucla Australia/Hobart Australia/Lindeman Australia/Lord_Howe Australia/Melbourne Australia/Perth Australia/Sydney: AU
Arctic/Longyearbyen: SJ
Asia/Aden: YE
Asia/Almaty Asia/Aqtau Asia/Aqtobe Asia/Atyrau Asia/Oral Asia/Qostanay Asia/Qyzylorda: KZ
Asia/Amman: JO
Asia/Anadyr Asia/Barnaul Asia/Chita Asia/Irkutsk Asia/Kamchatka Asia/Khandyga Asia/Krasnoyarsk Asia/Magadan Asia/Novokuznetsk Asia/Novosibirsk Asia/Omsk Asia/Sakhalin Asia/Srednekolymsk Asia/Tomsk Asia/Ust-Nera Asia/Vladivostok Asia/Yakutsk Asia/Yekaterinburg Europe/Astrakhan Europe/Kaliningrad Europe/Kirov Europe/Moscow Europe/Samara Europe/Saratov Europe/Ulyanovsk Europe/Volgograd: RU
Asia/Ashgabat: TM
Asia/Baghdad: IQ
Asia/Bahrain: BH
Asia/Baku: AZ
Asia/Bangkok: TH
Asia/Beirut: LB
Asia/Bishkek: KG
Asia/Brunei: BN
Asia/Colombo: LK
Asia/Damascus: SY
Asia/Dhaka: BD
Asia/Dili: TL
Asia/Dubai: AE
Asia/Dushanbe: TJ
Asia/Famagusta Asia/Nicosia: CY
Asia/Gaza Asia/Hebron: PS
Asia/Ho_Chi_Minh: VN
Asia/Hong_Kong: HK
Asia/Hovd Asia/Ulaanbaatar: MN
Asia/Jakarta Asia/Jayapura Asia/Makassar Asia/Pontianak: ID
Asia/Jerusalem: IL
Asia/Kabul: AF
Asia/Karachi: PK
Asia/Kathmandu: NP
Asia/Kolkata: IN
Asia/Kuala_Lumpur Asia/Kuching: MY
Asia/Kuwait: KW
Asia/Macau: MO
Asia/Manila: PH
Asia/Muscat: OM
Asia/Phnom_Penh: KH
Asia/Pyongyang: KP
Asia/Qatar: QA
Asia/Riyadh: SA
Asia/Samarkand Asia/Tashkent: UZ
Asia/Seoul: KR
Asia/Shanghai Asia/Urumqi: CN
Asia/Singapore: SG
Asia/Taipei: TW
Asia/Tbilisi: GE
Asia/Tehran: IR
Asia/Thimphu: BT
Asia/Tokyo: JP
Asia/Vientiane: LA
Asia/Yangon: MM
Asia/Yerevan: AM
Atlantic/Azores Atlantic/Madeira Europe/Lisbon: PT
Atlantic/Bermuda: BM
Atlantic/Cape_Verde: CV
Atlantic/Faroe: FO
Atlantic/Reykjavik: IS
Atlantic/South_Georgia: GS
Atlantic/St_Helena: AC SH TA
Atlantic/Stanley: FK
Europe/Amsterdam: NL
Europe/Andorra: AD
Europe/Athens: GR
Europe/Belgrade: RS XK
Europe/Berlin Europe/Busingen: DE
Europe/Bratislava: SK
Europe/Brussels: BE
Europe/Bucharest: RO
Europe/Budapest: HU
Europe/Chisinau: MD
Europe/Copenhagen: DK
Europe/Dublin: IE
Europe/Gibraltar: GI
Europe/Guernsey: GG
Europe/Helsinki: FI
Europe/Isle_of_Man: IM
Europe/Istanbul: TR
Europe/Jersey: JE
Europe/Kyiv Europe/Simferopol: UA
Europe/Ljubljana: SI
Europe/London: GB
Europe/Luxembourg: LU
Europe/Malta: MT
Europe/Mariehamn: AX
Europe/Minsk: BY
Europe/Monaco: MC
Europe/Oslo: NO
Europe/Paris: FR
Europe/Podgorica: ME
Europe/Prague: CZ
Europe/Riga: LV
Europe/Rome: IT
Europe/San_Marino: SM
Europe/Sarajevo: BA
Europe/Skopje: MK
Europe/Sofia: BG
Europe/Stockholm: SE
Europe/Tallinn: EE
Europe/Tirane: AL
Europe/Vaduz: LI
Europe/Vatican: VA
Europe/Vienna: AT
Europe/Vilnius: LT
Europe/Warsaw: PL
Europe/Zagreb: HR
Europe/Zurich: CH
Indian/Antananarivo: MG
Indian/Chagos: IO
Indian/Christmas: CX
Indian/Cocos: CC
Indian/Comoro: KM
Indian/Kerguelen: TF
Indian/Mahe: SC
Indian/Maldives: MV
Indian/Mauritius: MU
Indian/Mayotte: YT
Indian/Reunion: RE
Pacific/Apia: WS
Pacific/Auckland Pacific/Chatham: NZ
Pacific/Bougainville Pacific/Port_Moresby: PG
Pacific/Chuuk Pacific/Kosrae Pacific/Pohnpei: FM
Pacific/Efate: VU
Pacific/Fakaofo: TK
Pacific/Fiji: FJ
Pacific/Funafuti: TV
Pacific/Gambier Pacific/Marquesas Pacific/Tahiti: PF
Pacific/Guadalcanal: SB
Pacific/Guam: GU US-GU
Pacific/Honolulu: US-HI
Pacific/Kanton Pacific/Kiritimati Pacific/Tarawa: KI
Pacific/Kwajalein Pacific/Majuro: MH
Pacific/Midway Pacific/Wake: UM
Pacific/Nauru: NR
Pacific/Niue: NU
Pacific/Norfolk: NF
Pacific/Noumea: NC
Pacific/Pago_Pago: AS US-AS
Pacific/Palau: PW
Pacific/Pitcairn: PN
Pacific/Rarotonga: CK
Pacific/Saipan: MP US-MP
Pacific/Tongatapu: TO
Pacific/Wallis: WF
`;
