#include "contract/message.h"
