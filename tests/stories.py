"""Own-written stories for the taggers, of the kinds that news agencies send."""

BORDER = """\
DUSHANBE: The president of Tajikistan put thirty battalions on alert on Tuesday after hundreds of Afghan policemen \
crossed the river to escape Taliban fighters.
Tajik President Emomali Rakhmon spoke by telephone with Russian counterpart Vladimir Putin and with Afghan President \
Ashraf Ghani, his press service said.
Putin promised Rakhmon that the regional security bloc would help to guard the border if fighting came closer.
Officials are preparing tents for refugees near the frontier, two government sources told Reuters.
“We will not close the door on families who flee for their lives,” Rakhmon said in a televised address.
American troops left their last air base north of Kabul on Friday as part of the withdrawal of all foreign forces from \
a war that began after the al Qaeda attacks on the United States.
“They came at night and burned the checkpoint,” a wounded officer said. “Nobody answered our radio.”
"""

MATCH = """\
The visitors won the cup final on penalties after a goalless second half, and their goalkeeper Marta Lindqvist saved \
three of them.
Coach Henrik Aalto praised his midfield. "We have waited eleven years for this trophy," Aalto told reporters.
The striker Ada Obiora had hit the post in stoppage time, and the referee had shown two yellow cards before half-time.
"""

BANK = """\
Shares of Northvale Robotics Inc fell 12 percent on Monday after the company warned that quarterly profit would miss \
analysts' forecasts.
Chief executive Petra Vance said that demand from carmakers had weakened since the spring.
The Federal Reserve left interest rates unchanged last week, and inflation has slowed. The World Lending Council (WLC) \
expects a recession; the WLC meets in May.
"""
