"""A HEIC picture of one colour, 64 x 64: nothing here can write one to warm the decoder with.

Made by `vectors/heic.py`.
"""

import base64

FLAT_HEIC = base64.b85decode(
    "0000OW^{RQXk}?*00000ZE0pPXk}?*0003yZDn*}000000000XXk=`10000000000aA{+7000000000000000000"
    "004sdC7Z2$lO00031001LtX>Mi!000000RR916=`l}WdZ;I000310BCk&F#rGn0KaK)a&Q0u0HJAcV{ZTe0CH${V"
    "?zN12mk;8pQr!;0018F0Q~*<_y7P81E2r_02e?33<3ZD1PA~C0|1|>0009303NymK%oEu0472K0R#vD00RJ@r~m*"
    "10017KAb|yz>Pa%Wupj^c0{|cZ00RRdq5uH^2SfqEa<C#m0000KX>)L8000000000$0000$0000JV{dG7ZewhC00"
    "96E00w{n000(gaBX1#00000000310Rw@8g8%>k9%*cEV*mgE07L))0RRC20003100CP7001Ze001y;WMOmw001N?"
    "0j~vkPy>e}`H@~dAR~Ys!)L?5fB#2KDad)C=ny9$Cf|S"
)
