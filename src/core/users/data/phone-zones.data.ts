// Written by tools/zones/generate-zone-data.py; do not edit.
// From phonenumbers 9.0.43 (libphonenumber), Apache License 2.0; shortened, see the script.

/**
 * Time zones, then the beginnings of telephone numbers (country code first) that may mean any of them.
 */
export const PHONE_ZONES = `
Africa/Abidjan: 225
Africa/Accra: 233
Africa/Addis_Ababa: 251
Africa/Algiers: 213
Africa/Asmara: 291
Africa/Bamako: 223
Africa/Bangui: 236
Africa/Banjul: 220
Africa/Bissau: 245
Africa/Blantyre: 265
Africa/Brazzaville: 242
Africa/Bujumbura: 257
Africa/Cairo: 20
Africa/Casablanca Africa/El_Aaiun: 212
Africa/Conakry: 224
Africa/Dakar: 221
Africa/Dar_es_Salaam: 255
Africa/Djibouti: 253
Africa/Douala: 237
Africa/Freetown: 232
Africa/Gaborone: 267
Africa/Harare: 263
Africa/Johannesburg: 27
Africa/Juba: 211
Africa/Kampala: 256
Africa/Khartoum: 249
Africa/Kigali: 250
Africa/Kinshasa: 2431 2433 2434 2435 2436
Africa/Kinshasa Africa/Lubumbashi: 243
Africa/Lagos: 234
Africa/Libreville: 241
Africa/Lome: 228
Africa/Luanda: 244
Africa/Lubumbashi: 2432
Africa/Lusaka: 260
Africa/Malabo: 240
Africa/Maputo: 258
Africa/Maseru: 266
Africa/Mbabane: 268
Africa/Mogadishu: 252
Africa/Monrovia: 231
Africa/Nairobi: 254
Africa/Ndjamena: 235
Africa/Niamey: 227
Africa/Nouakchott: 222
Africa/Ouagadougou: 226
Africa/Porto-Novo: 229
Africa/Sao_Tome: 239
Africa/Tripoli: 218
Africa/Tunis: 216
Africa/Windhoek: 264
America/Adak America/Anchorage America/Antigua America/Barbados America/Boise America/Cayman America/Chicago America/Denver America/Edmonton America/Fort_Nelson America/Grand_Turk America/Halifax America/Jamaica America/Juneau America/Los_Angeles America/Nassau America/New_York America/North_Dakota/Center America/Phoenix America/Regina America/Santo_Domingo America/St_Johns America/Vancouver America/Winnipeg Atlantic/Bermuda Pacific/Guam Pacific/Honolulu Pacific/Pago_Pago: 1
America/Adak America/Anchorage America/Juneau Pacific/Honolulu: 1907
America/Anguilla: 1264
America/Antigua: 1268
America/Argentina/Buenos_Aires: 54
America/Aruba: 297
America/Asuncion: 595
America/Bahia_Banderas America/Cancun America/Chihuahua America/Ciudad_Juarez America/Hermosillo America/Matamoros America/Mazatlan America/Merida America/Mexico_City America/Monterrey America/Ojinaga America/Tijuana: 52
America/Barbados: 1246
America/Belize: 501
America/Bogota: 57
America/Boise America/Denver America/Los_Angeles: 1208 1775
America/Boise America/Los_Angeles: 1986
America/Cancun America/Mexico_City: 5298 5299
America/Caracas: 58
America/Cayenne: 594
America/Cayman: 1345
America/Chicago: 1205 1210 1214 1217 1218 1224 1225 1228 1235 1251 1254 1256 1262 1274 1281 1309 1312 1314 1316 1318 1319 1320 1325 1327 1331 1334 1337 1346 1353 1361 1402 1405 1409 1414 1417 1430 1432 1447 1464 1469 1479 1501 1504 1507 1512 1515 1531 1534 1539 1557 1563 1572 1573 1580 1601 1608 1612 1615 1618 1629 1630 1636 1641 1651 1659 1660 1662 1682 1689 1708 1712 1713 1715 1726 1730 1731 1737 1763 1769 1773 1779 1806 1815 1816 1817 1830 1832 1847 1870 1872 1901 1903 1913 1918 1920 1931 1936 1938 1940 1945 1952 1956 1972 1975 1979 1985
America/Chicago America/Denver: 1308 1620 1785
America/Chicago America/Denver America/North_Dakota/Center: 1605 1701
America/Chicago America/New_York: 1219 1270 1423 1574 1606 1812 1850 1906
America/Costa_Rica: 506
America/Curacao: 599
America/Denver: 1303 1307 1385 1406 1435 1505 1575 1719 1720 1748 1801 1915 1970 1983
America/Denver America/Los_Angeles: 1541
America/Denver America/Phoenix: 1928
America/Dominica: 1767
America/Edmonton: 1368 1403 1587 1780 1825
America/Edmonton America/Fort_Nelson America/Toronto America/Vancouver America/Winnipeg: 1867
America/Edmonton America/Vancouver: 1250
America/El_Salvador: 503
America/Grand_Turk: 1649
America/Grenada: 1473
America/Guadeloupe: 590
America/Guatemala: 502
America/Guayaquil: 5932 5933 5934 5936 5937
America/Guayaquil Pacific/Galapagos: 593
America/Guyana: 592
America/Halifax: 1428 1506 1782 1902
America/Halifax America/St_Johns: 1709
America/Halifax America/Toronto: 1418
America/Havana: 53
America/Jamaica: 1658 1876
America/La_Paz: 591
America/Lima: 51
America/Los_Angeles: 1206 1209 1213 1253 1279 1310 1323 1341 1350 1360 1369 1408 1415 1424 1425 1442 1458 1503 1509 1510 1530 1559 1562 1564 1619 1626 1628 1650 1657 1661 1669 1702 1707 1714 1725 1738 1747 1760 1805 1818 1820 1831 1840 1858 1909 1916 1925 1949 1951 1971
America/Lower_Princes: 1721
America/Managua: 505
America/Manaus: 5565 5566 5595 5597
America/Manaus America/Noronha America/Rio_Branco America/Sao_Paulo: 55
America/Manaus America/Sao_Paulo: 5555 5567 5569 5591 5592 5593 5594
America/Martinique: 596
America/Matamoros America/Mexico_City: 5286 5287 5289
America/Mazatlan: 5263 5269
America/Mazatlan America/Mexico_City: 5231 5232 5238
America/Mazatlan America/Mexico_City America/Tijuana: 5264
America/Mazatlan America/Ojinaga: 5262
America/Mexico_City: 5221 5222 5223 5224 5225 5226 5227 5228 5229 5230 5233 5234 5235 5236 5237 5239 524 525 527 5280 5281 5282 5283 5284 5285 5288 5290 5291 5292 5293 5294 5295 5296 5297
America/Miquelon: 508
America/Montevideo: 598
America/Montserrat: 1664
America/Nassau: 1242
America/New_York: 1201 1202 1203 1207 1212 1215 1216 1220 1223 1227 1229 1231 1234 1239 1240 1248 1252 1260 1267 1269 1272 1276 1283 1301 1302 1304 1305 1313 1315 1317 1321 1324 1326 1329 1330 1332 1336 1339 1347 1351 1352 1363 1364 1380 1386 1401 1404 1407 1410 1412 1413 1419 1434 1440 1443 1445 1448 1463 1470 1472 1475 1478 1484 1502 1508 1513 1516 1517 1518 1540 1551 1561 1567 1570 1571 1582 1585 1586 1603 1607 1609 1610 1614 1616 1617 1631 1640 1645 1646 1656 1667 1678 1680 1681 1686 1703 1704 1706 1716 1717 1718 1724 1727 1728 1732 1734 1740 1743 1754 1757 1762 1765 1770 1771 1772 1774 1781 1786 1802 1803 1804 1810 1813 1814 1821 1826 1828 1835 1838 1839 1843 1845 1848 1854 1856 1857 1859 1860 1862 1863 1864 1865 1878 1904 1908 1910 1912 1914 1917 1919 1929 1930 1934 1937 1941 1943 1947 1948 1954 1959 1973 1978 1980 1984 1989
America/Noronha America/Sao_Paulo: 5581
America/Nuuk: 2991 2993 2996 2998
America/Nuuk America/Scoresbysund America/Thule: 299
America/Panama: 507
America/Paramaribo: 597
America/Phoenix: 1480 1520 1602 1623
America/Port-au-Prince: 509
America/Port_of_Spain: 1868
America/Puerto_Rico: 1787 1939
America/Puerto_Rico America/St_Johns: 1879
America/Regina: 1306 1639
America/Rio_Branco: 5568
America/Santiago: 56
America/Santo_Domingo: 1809 1829 1849
America/Sao_Paulo: 551 552 553 554 5550 5551 5553 5554 5561 5562 5563 5564 557 5580 5582 5583 5584 5585 5586 5587 5588 5589 5590 5596 5598 5599
America/St_Kitts: 1869
America/St_Lucia: 1758
America/St_Thomas: 1340
America/St_Vincent: 1784
America/Tegucigalpa: 504
America/Toronto: 1226 1249 1263 1273 1289 1343 1354 1365 1367 1382 1416 1437 1438 1450 1468 1514 1519 1548 1579 1581 1613 1647 1683 1705 1742 1753 1819 1873 1905 1942
America/Toronto America/Winnipeg: 1807
America/Tortola: 1284
America/Vancouver: 1236 1257 1604 1672 1778
America/Winnipeg: 1204 1431 1474 1584
Asia/Aden: 967
Asia/Almaty: 7710 7714 7715 7716 7717 7718 7719 7720 7721 7722 7723 7724 7725 7726 7727 7728 779
Asia/Almaty Asia/Anadyr Asia/Aqtau Asia/Aqtobe Asia/Atyrau Asia/Barnaul Asia/Chita Asia/Irkutsk Asia/Kamchatka Asia/Khandyga Asia/Krasnoyarsk Asia/Magadan Asia/Novokuznetsk Asia/Novosibirsk Asia/Omsk Asia/Oral Asia/Qostanay Asia/Qyzylorda Asia/Sakhalin Asia/Srednekolymsk Asia/Tomsk Asia/Ust-Nera Asia/Vladivostok Asia/Yakutsk Asia/Yekaterinburg Europe/Astrakhan Europe/Kaliningrad Europe/Kirov Europe/Moscow Europe/Samara Europe/Saratov Europe/Ulyanovsk Europe/Volgograd: 7
Asia/Almaty Asia/Aqtobe: 7703 7704 7709 773 7740 7741 7742 7743 7744 7745 7746 7748 7749 775 7765 7766 7767 7768 7769 7770 7772 7773 7774 7779 7780 7781 7782 7783 7784 7786 7787 7788 7789
Asia/Amman: 962
Asia/Anadyr: 7427
Asia/Anadyr Asia/Barnaul Asia/Chita Asia/Irkutsk Asia/Kamchatka Asia/Khandyga Asia/Krasnoyarsk Asia/Magadan Asia/Novokuznetsk Asia/Novosibirsk Asia/Omsk Asia/Sakhalin Asia/Srednekolymsk Asia/Tomsk Asia/Ust-Nera Asia/Vladivostok Asia/Yakutsk Asia/Yekaterinburg Europe/Astrakhan Europe/Kaliningrad Europe/Kirov Europe/Moscow Europe/Samara Europe/Saratov Europe/Ulyanovsk Europe/Volgograd: 740 7840 79
Asia/Aqtobe: 7711 7712 7713 7729
Asia/Ashgabat: 993
Asia/Baghdad: 964
Asia/Bahrain: 973
Asia/Baku: 994
Asia/Bangkok: 66
Asia/Beirut: 961
Asia/Bishkek: 996
Asia/Brunei: 673
Asia/Colombo: 94
Asia/Damascus: 963
Asia/Dhaka: 880
Asia/Dili: 670
Asia/Dubai: 971
Asia/Dushanbe: 992
Asia/Gaza Asia/Hebron: 970
Asia/Ho_Chi_Minh: 84
Asia/Hong_Kong: 852
Asia/Hovd Asia/Ulaanbaatar: 976
Asia/Irkutsk: 7301 7395
Asia/Jakarta: 622 6231 6232 6233 6234 6235 6256 626 627 6284
Asia/Jakarta Asia/Jayapura: 6291 6292
Asia/Jakarta Asia/Jayapura Asia/Makassar: 62
Asia/Jakarta Asia/Makassar: 621 6237 6245 6253 6280
Asia/Jayapura: 6290 6298
Asia/Jayapura Asia/Makassar: 6240
Asia/Jerusalem: 972
Asia/Kabul: 93
Asia/Kamchatka: 7415
Asia/Karachi: 92
Asia/Kathmandu: 977
Asia/Kolkata: 91
Asia/Krasnoyarsk: 7384 7385 7388 7390 7391 7394
Asia/Kuching: 60
Asia/Kuwait: 965
Asia/Macau: 853
Asia/Magadan: 7413
Asia/Makassar: 6236 6238 6241 6242 6243 6244 6246 6247 6248 6249 6254 6255
Asia/Manila: 63
Asia/Muscat: 968
Asia/Nicosia: 357
Asia/Novosibirsk: 7382 7383
Asia/Omsk: 7381
Asia/Phnom_Penh: 855
Asia/Pyongyang: 850
Asia/Qatar: 974
Asia/Riyadh: 966
Asia/Sakhalin: 7424
Asia/Seoul: 82
Asia/Shanghai: 86
Asia/Singapore: 65
Asia/Taipei: 886
Asia/Tashkent: 998
Asia/Tbilisi: 995
Asia/Tehran: 98
Asia/Thimphu: 975
Asia/Tokyo: 81
Asia/Vientiane: 856
Asia/Vladivostok: 7421 7423 7426
Asia/Yakutsk: 7302 7411 7416
Asia/Yangon: 95
Asia/Yekaterinburg: 733 7340 7342 7343 7344 7345 7346 7347 7348 7349 735
Asia/Yerevan: 374
Atlantic/Azores Europe/Lisbon: 351
Atlantic/Bermuda: 1441
Atlantic/Canary Europe/Madrid: 34
Atlantic/Cape_Verde: 238
Atlantic/Faroe: 298
Atlantic/Reykjavik: 354
Atlantic/St_Helena: 247 290
Atlantic/Stanley: 500
Australia/Adelaide Australia/Brisbane Australia/Eucla Australia/Lord_Howe Australia/Perth Australia/Sydney Indian/Christmas Indian/Cocos: 61
Australia/Adelaide Australia/Eucla Australia/Perth Indian/Christmas Indian/Cocos: 6189
Australia/Adelaide Australia/Perth: 6186 6187 6188
Australia/Brisbane Australia/Sydney: 6172 6173
Australia/Lord_Howe Australia/Sydney: 6125 6126
Australia/Sydney: 611 6120 6121 6122 6123 6124 6127 6128 6129 613 6170 6171 6174 6175 6176 6177 6178 6179
Europe/Amsterdam: 31
Europe/Andorra: 376
Europe/Athens: 30
Europe/Belgrade: 381 383
Europe/Berlin: 49
Europe/Bratislava: 421
Europe/Brussels: 32
Europe/Bucharest: 40
Europe/Budapest: 36
Europe/Chisinau: 373
Europe/Copenhagen: 45
Europe/Dublin: 353
Europe/Gibraltar: 350
Europe/Helsinki: 358
Europe/Istanbul: 90
Europe/Kyiv: 380
Europe/Ljubljana: 386
Europe/London: 44
Europe/Luxembourg: 352
Europe/Madrid: 344 345 3470 3475 3476 3477 3479 3480 3481 3483 3484 3485 3486 3487 3488 3489 3490 3491 3493 3494 3495 3496 3497 3498 3499
Europe/Malta: 356
Europe/Minsk: 375
Europe/Monaco: 377
Europe/Moscow: 736 747 748 749 7800 7803 7804 7808 7809 781 782 783 7841 7843 7844 7845 7847 7855 7856 7857 786 787
Europe/Oslo: 47
Europe/Paris: 33
Europe/Podgorica: 382
Europe/Prague: 420
Europe/Riga: 371
Europe/Rome: 39
Europe/Samara: 7341 7842 7846 7848 7851
Europe/San_Marino: 378
Europe/Sarajevo: 387
Europe/Skopje: 389
Europe/Sofia: 359
Europe/Stockholm: 46
Europe/Tallinn: 372
Europe/Tirane: 355
Europe/Vaduz: 423
Europe/Vienna: 43
Europe/Vilnius: 370
Europe/Warsaw: 48
Europe/Zagreb: 385
Europe/Zurich: 41
Indian/Antananarivo: 261
Indian/Chagos: 246
Indian/Comoro: 269
Indian/Mahe: 248
Indian/Maldives: 960
Indian/Mauritius: 230
Indian/Mayotte Indian/Reunion: 262
Pacific/Apia: 685
Pacific/Auckland: 641 6423 6424 6425 6430 6431 6432 6434 6435 6436 6437 6438 6439 644 645 646 647 648 649
Pacific/Auckland Pacific/Chatham: 64
Pacific/Efate: 678
Pacific/Fakaofo: 690
Pacific/Fiji: 679
Pacific/Funafuti: 688
Pacific/Gambier Pacific/Marquesas Pacific/Tahiti: 689
Pacific/Guadalcanal: 677
Pacific/Guadalcanal Pacific/Kosrae Pacific/Port_Moresby: 691
Pacific/Guam: 1671
Pacific/Honolulu: 1808
Pacific/Kanton Pacific/Kiritimati Pacific/Tarawa: 686
Pacific/Majuro: 692
Pacific/Nauru: 674
Pacific/Niue: 683
Pacific/Norfolk: 672
Pacific/Noumea: 687
Pacific/Pago_Pago: 1684
Pacific/Palau: 680
Pacific/Port_Moresby: 675
Pacific/Rarotonga: 682
Pacific/Saipan: 1670
Pacific/Tahiti: 6894
Pacific/Tongatapu: 676
Pacific/Wallis: 681
`;
